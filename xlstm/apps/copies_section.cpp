#include "xlstm/apps/copies_section.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "xlstm/apps/values.h"
#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/memory.h"
#include "xlstm/engine/quantized_copies.h"
#include "xlstm/wiring/checkpoint.h"
#include "xlstm/wiring/discover.h"

namespace xlstm::apps {
namespace {

std::string name_of(const QuantizedCopy& copy) {
  return copy.folder.filename().string();
}

std::string_view state_of(const QuantizedCopy& copy) {
  if (copy.model.empty()) return "incomplete";
  return copy.current ? "" : "outdated";
}

// A person names a copy by its own name, or by the model that it was made of: a folder, or a
// repository without a revision.
bool is_meant(const QuantizedCopy& copy, const std::string& name) {
  if (copy.model.empty()) return name == name_of(copy);
  return name == name_of(copy) || name == copy.model || name == model_name(copy.model);
}

// Its headers, sizes and config; the hashes of its bytes nobody knows.
std::optional<CacheFault> fault_of(const QuantizedCopy& copy) {
  if (copy.model.empty()) return CacheFault{copy.folder, "wanted a whole copy, got a part of one"};
  try {
    Checkpoint::open(copy.folder);
  } catch (const Error& error) {
    return CacheFault{copy.folder, error.what()};
  }
  return std::nullopt;
}

class CopiesSection : public CacheSection {
 public:
  explicit CopiesSection(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::string key() const override { return "quantized_copies"; }

  std::string text() const override {
    std::vector<std::vector<std::string>> rows = {{"quantised copy", "format", "size", ""}};
    std::uint64_t bytes = 0;
    for (const QuantizedCopy& copy : copies()) {
      rows.push_back(
          {name_of(copy), copy.format, human_bytes(copy.bytes), std::string(state_of(copy))});
      bytes += copy.bytes;
    }
    if (rows.size() == 1) return "";
    return table_text(rows, {false, false, true, false}) +
           str(human_bytes(bytes), " in ", folder_.string(), "\n");
  }

  Json json() const override {
    Json list = Json::array();
    for (const QuantizedCopy& copy : copies()) {
      list.push_back({{"name", name_of(copy)},
                      {"folder", copy.folder.string()},
                      {"model", copy.model.string()},
                      {"format", copy.format},
                      {"bytes", copy.bytes},
                      {"current", copy.current}});
    }
    return list;
  }

  std::optional<Removal> removal(const std::string& name) const override {
    std::vector<QuantizedCopy> meant = of_name(name);
    if (meant.empty()) return std::nullopt;
    Removal removal;
    for (const QuantizedCopy& copy : meant) {
      removal.what += (removal.what.empty() ? "" : ", ") + name_of(copy);
      removal.bytes += copy.bytes;
    }
    removal.remove = [meant = std::move(meant)] {
      for (const QuantizedCopy& copy : meant) remove_quantized_copy(copy);
    };
    return removal;
  }

  SectionCheck check(const std::string& name,
                     const std::function<void(std::uint64_t)>& /*on_bytes*/) const override {
    SectionCheck all;
    for (const QuantizedCopy& copy : name.empty() ? copies() : of_name(name)) {
      if (std::optional<CacheFault> fault = fault_of(copy)) all.faults.push_back(std::move(*fault));
      ++all.files;
    }
    return all;
  }

 private:
  std::vector<QuantizedCopy> copies() const { return list_quantized_copies(folder_); }

  std::vector<QuantizedCopy> of_name(const std::string& name) const {
    std::vector<QuantizedCopy> all = copies();
    std::erase_if(all, [&](const QuantizedCopy& copy) { return !is_meant(copy, name); });
    return all;
  }

  std::filesystem::path folder_;
};

}  // namespace

std::unique_ptr<CacheSection> copies_section(std::filesystem::path folder) {
  return std::make_unique<CopiesSection>(std::move(folder));
}

}  // namespace xlstm::apps
