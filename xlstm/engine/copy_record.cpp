#include "xlstm/engine/copy_record.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>
#include <system_error>
#include <utility>

#include "xlstm/base/atomic_file.h"
#include "xlstm/base/error.h"
#include "xlstm/base/hash.h"
#include "xlstm/base/input_file.h"
#include "xlstm/wiring/discover.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

// Goes up where default_recipe() or the rounding of weights change: older copies are made anew.
constexpr int kRecord = 1;
constexpr std::uint64_t kMostRecordBytes = 10'000'000;
constexpr const char* kCopy = "copy";  // the member that has the copy's own files

std::int64_t nanoseconds(fs::file_time_type time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

fs::path record_file(const fs::path& folder) {
  return folder.string() + ".json";
}

// What tells a file's contents: the name of the blob that it leads to, else its time of change.
std::optional<Json> file_record(const fs::path& file, bool is_of_snapshot) {
  std::error_code error;
  const std::uint64_t size = fs::file_size(file, error);
  if (error) return std::nullopt;
  const fs::path target = is_of_snapshot ? fs::canonical(file, error) : fs::path();
  if (!error && target.parent_path().filename() == "blobs") {
    return Json{{"bytes", size}, {"blob", target.filename().string()}};
  }
  const fs::file_time_type time = fs::last_write_time(file, error);
  if (error) return std::nullopt;
  return Json{{"bytes", size}, {"changed", nanoseconds(time)}};
}

std::set<std::string> files_in(const Json& record) {
  std::set<std::string> names;
  for (const auto& [name, file] : record.at("files").items()) names.insert(name);
  return names;
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    found.push_back(entry->path());
  }
  return found;
}

// Whatever a person may have put in its place.
bool is_record(const Json& record, const std::string& where) {
  if (!record.is_object() || !record.value("files", Json()).is_object() ||
      !record.value(kCopy, Json()).is_object() || !get_string(record, "model", where)) {
    return false;
  }
  const auto mode = quantization_mode_from_name(get_string(record, "mode", where).value_or(""));
  const std::int64_t bits = get_int(record, "bits", where).value_or(0);
  const std::int64_t group_size = get_int(record, "group_size", where).value_or(0);
  constexpr std::int64_t kMost = 1024;
  return mode && bits > 0 && bits < kMost && group_size > 0 && group_size < kMost &&
         is_supported({*mode, static_cast<int>(bits), static_cast<int>(group_size)});
}

Json without_copy(Json record) {
  record.erase(kCopy);
  return record;
}

std::string hash_of(const fs::path& path, const std::function<void(std::uint64_t)>& on_bytes) {
  constexpr std::uint64_t kPiece = std::uint64_t{1} << 22;
  static_assert(kPiece % Hash::kBlock == 0);
  const InputFile file(path);
  std::vector<std::byte> piece(static_cast<std::size_t>(std::min(kPiece, file.size())));
  Hash hash;
  Hash::Run run(hash);
  for (std::uint64_t at = 0; at < file.size(); at += piece.size()) {
    const auto size = std::min<std::uint64_t>(piece.size(), file.size() - at);
    const auto part = std::span(piece).first(static_cast<std::size_t>(size));
    file.read(at, part);
    run.add(part);
    if (on_bytes) on_bytes(size);
  }
  run.end();
  return hexadecimal(hash.value());
}

}  // namespace

std::optional<Json> copy_record(const fs::path& model, const std::set<std::string>& files,
                                const Quantization& format) {
  std::error_code error;
  const fs::path folder = fs::canonical(model, error);
  if (error) return std::nullopt;
  const fs::path repository = repository_of(folder);
  Json recorded = Json::object();
  for (const std::string& name : files) {
    const std::optional<Json> file = file_record(folder / name, !repository.empty());
    if (!file) return std::nullopt;
    recorded[name] = *file;
  }
  return Json{{"record", kRecord},
              {"model", (repository.empty() ? folder : repository).string()},
              {"mode", std::string(name_of(format.mode))},
              {"bits", format.bits},
              {"group_size", format.group_size},
              {"files", std::move(recorded)}};
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

bool is_current(const Json& record) {
  const fs::path model = model_in(record);
  const bool is_repository = !repository_of(model / "snapshots" / "any").empty();
  const std::vector<fs::path> folders =
      is_repository ? entries_of(model / "snapshots") : std::vector{model};
  const Json made_of = without_copy(record);
  return std::ranges::any_of(folders, [&](const fs::path& folder) {
    return copy_record(folder, files_in(record), format_in(record)) == made_of;
  });
}

bool is_copy_of(const fs::path& folder, const Json& record) {
  const std::optional<Json> read = read_copy_record(folder);
  return read && without_copy(*read) == record;
}

std::optional<Json> read_copy_record(const fs::path& folder) {
  try {
    const fs::path file = record_file(folder);
    Json record = parse_json(whole_file(file, kMostRecordBytes), file.string());
    if (is_record(record, file.string())) return record;
  } catch (const Error&) {
    // As if there were none: the copy is made anew.
  }
  return std::nullopt;
}

void write_copy_record(const fs::path& folder, const Json& record) {
  Json whole = record;
  whole[kCopy] = Json::object();
  for (const fs::path& file : entries_of(folder)) {
    if (file.extension() != ".safetensors") continue;
    whole[kCopy][file.filename().string()] = hash_of(file, {});
  }
  AtomicFile file(record_file(folder));
  file.write(whole.dump(2) + "\n");
  file.commit();
}

void remove_copy_record(const fs::path& folder) {
  std::error_code error;
  fs::remove(record_file(folder), error);
  if (error) {
    fail(ErrorKind::kFile, record_file(folder).string(),
         str("cannot remove it: ", error.message()));
  }
}

std::vector<fs::path> damaged_files(const fs::path& folder,
                                    const std::function<void(std::uint64_t)>& on_bytes) {
  std::vector<fs::path> damaged;
  const std::optional<Json> record = read_copy_record(folder);
  if (!record) return {record_file(folder)};
  for (const auto& [name, hash] : record->at(kCopy).items()) {
    try {
      if (hash_of(folder / name, on_bytes) == hash) continue;
    } catch (const Error&) {
      // Not there, or not to be read.
    }
    damaged.push_back(folder / name);
  }
  return damaged;
}

}  // namespace xlstm
