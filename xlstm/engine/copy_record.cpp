#include "xlstm/engine/copy_record.h"

#include <chrono>
#include <system_error>
#include <utility>

#include "xlstm/base/atomic_file.h"
#include "xlstm/base/error.h"
#include "xlstm/base/input_file.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

// Goes up where default_recipe() or the rounding of weights change: older copies are made anew.
constexpr int kRecord = 1;

std::int64_t nanoseconds(fs::file_time_type time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

std::optional<Json> copy_record(const fs::path& model, const std::set<std::string>& files,
                                const Quantization& format) {
  std::error_code error;
  const fs::path folder = fs::canonical(model, error);
  if (error) return std::nullopt;
  Json recorded = Json::object();
  for (const std::string& name : files) {
    const std::uint64_t size = fs::file_size(folder / name, error);
    if (error) return std::nullopt;
    const fs::file_time_type time = fs::last_write_time(folder / name, error);
    if (error) return std::nullopt;
    recorded[name] = {{"bytes", size}, {"changed", nanoseconds(time)}};
  }
  return Json{{"record", kRecord},
              {"model", folder.string()},
              {"mode", std::string(name_of(format.mode))},
              {"bits", format.bits},
              {"group_size", format.group_size},
              {"files", std::move(recorded)}};
}

fs::path copy_record_file(const fs::path& folder) {
  return folder.string() + ".json";
}

std::optional<Json> read_copy_record(const fs::path& folder) {
  try {
    const fs::path file = copy_record_file(folder);
    Json record = parse_json(whole_file(file), file.string());
    const std::string where = file.string();
    const bool whole = record.value("files", Json()).is_object() &&
                       get_string(record, "model", where) && get_int(record, "bits", where) &&
                       get_int(record, "group_size", where) &&
                       quantization_mode_from_name(get_string(record, "mode", where).value_or(""));
    if (whole) return record;
  } catch (const Error&) {
    // As if there were none: the copy is made anew.
  }
  return std::nullopt;
}

void write_copy_record(const fs::path& folder, const Json& record) {
  AtomicFile file(copy_record_file(folder));
  file.write(record.dump(2) + "\n");
  file.commit();
}

fs::path model_in(const Json& record) {
  return record.at("model").get<std::string>();
}

Quantization format_in(const Json& record) {
  Quantization format;
  format.mode = *quantization_mode_from_name(record.at("mode").get<std::string>());
  format.bits = record.at("bits").get<int>();
  format.group_size = record.at("group_size").get<int>();
  return format;
}

std::set<std::string> files_in(const Json& record) {
  std::set<std::string> names;
  for (const auto& [name, file] : record.at("files").items()) names.insert(name);
  return names;
}

}  // namespace xlstm
