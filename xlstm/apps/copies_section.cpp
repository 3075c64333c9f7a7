#include "xlstm/apps/copies_section.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "xlstm/apps/values.h"
#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/memory.h"
#include "xlstm/engine/copy_record.h"
#include "xlstm/engine/quantized_copies.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm::apps {
namespace {

std::string name_of(const QuantizedCopy& copy) {
  return copy.folder.filename().string();
}

std::string_view state_of(const QuantizedCopy& copy) {
  if (copy.model.empty()) return "incomplete";
  return copy.current ? "" : "outdated";
}

// The folder that `name` is a path of; "" where there is none.
std::filesystem::path folder_of(const std::string& name) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::canonical(name, error);
  return error ? std::filesystem::path() : folder;
}

std::string without_scheme(const std::string& name) {
  constexpr std::string_view kScheme = "hf://";
  return name.starts_with(kScheme) ? name.substr(kScheme.size()) : name;
}

// "A, B" of the models that copies were made of.
std::string models_of(const std::vector<QuantizedCopy>& copies) {
  std::set<std::string> models;
  for (const QuantizedCopy& copy : copies) models.insert(copy.model.string());
  std::string text;
  for (const std::string& model : models) text += (text.empty() ? "" : " and ") + model;
  return text;
}

// What is there and not as it was written.
std::vector<CacheFault> faults_of(const QuantizedCopy& copy,
                                  const std::function<void(std::uint64_t)>& on_bytes) {
  std::vector<CacheFault> faults;
  try {
    Checkpoint::open(copy.folder);
  } catch (const Error& error) {
    return {{copy.folder, error.what()}};
  }
  for (const std::filesystem::path& file : damaged_files(copy.folder, on_bytes)) {
    faults.push_back({file, "wanted the bytes that were written, got others"});
  }
  return faults;
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

  // Those that are complete; the others may be in work.
  SectionCheck check(const std::string& name,
                     const std::function<void(std::uint64_t)>& on_bytes) const override {
    SectionCheck all;
    const auto count = [&](std::uint64_t bytes) { on_bytes(all.bytes += bytes); };
    for (const QuantizedCopy& copy : name.empty() ? copies() : of_name(name)) {
      if (copy.model.empty()) continue;
      for (CacheFault& fault : faults_of(copy, count)) all.faults.push_back(std::move(fault));
      ++all.files;
    }
    return all;
  }

 private:
  std::vector<QuantizedCopy> copies() const { return list_quantized_copies(folder_); }

  // A person names a copy by its own name, or by the model that it was made of: its folder, or what
  // people call it where that is one model. Throws Error(kUsage) where it is several.
  std::vector<QuantizedCopy> of_name(const std::string& name) const {
    const std::filesystem::path folder = folder_of(name);
    std::vector<QuantizedCopy> exactly, by_name;
    for (const QuantizedCopy& copy : copies()) {
      if (name_of(copy) == name || (!folder.empty() && folder == copy.model)) {
        exactly.push_back(copy);
      } else if (copy.name == without_scheme(name)) {
        by_name.push_back(copy);
      }
    }
    if (!exactly.empty()) return exactly;
    const bool is_one = std::ranges::all_of(
        by_name, [&](const QuantizedCopy& copy) { return copy.model == by_name.front().model; });
    if (is_one) return by_name;
    fail_wanted(ErrorKind::kUsage, "xlstm cache", "the name of a copy, or its model's folder",
                str(quoted(name), ", which may be ", models_of(by_name)));
  }

  std::filesystem::path folder_;
};

}  // namespace

std::unique_ptr<CacheSection> copies_section(std::filesystem::path folder) {
  return std::make_unique<CopiesSection>(std::move(folder));
}

}  // namespace xlstm::apps
