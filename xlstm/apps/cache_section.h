// What `xlstm cache` is about, in sections: each lists what it keeps, takes it away and checks it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "xlstm/base/json_fwd.h"
#include "xlstm/hub/cache.h"

namespace xlstm::apps {

// What `xlstm cache rm NAME` would do.
struct Removal {
  std::string what;         // "2 revisions of org/name"
  std::uint64_t bytes = 0;  // that it frees
  std::function<void()> remove;
};

struct SectionCheck {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<CacheFault> faults;
};

class CacheSection {
 public:
  virtual ~CacheSection() = default;
  virtual std::string key() const = 0;   // its member in --json
  virtual std::string text() const = 0;  // a table; "" where nothing is kept
  virtual Json json() const = 0;         // an array, a row an object
  // nullopt where it keeps nothing of that name. Throws Error(kUsage) where the name is unclear.
  virtual std::optional<Removal> removal(const std::string& name) const = 0;
  // Of what it keeps of that name, or of all where the name is "". `on_bytes` gets the bytes read
  // so far; it may throw to stop.
  virtual SectionCheck check(const std::string& name,
                             const std::function<void(std::uint64_t)>& on_bytes) const = 0;
};

// All that there are. `hub_cache` is the folder of the hub's cache.
std::vector<std::unique_ptr<CacheSection>> cache_sections(const std::filesystem::path& hub_cache);

// Rows of text in columns; the first row is the heading. Numbers stand right in their column where
// `right` says so.
std::string table_text(const std::vector<std::vector<std::string>>& rows,
                       const std::vector<bool>& right);

}  // namespace xlstm::apps
