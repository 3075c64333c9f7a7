#include "xlstm/engine/quantized_copies.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/hash.h"
#include "xlstm/base/home_folder.h"
#include "xlstm/base/memory.h"
#include "xlstm/convert/conversion.h"
#include "xlstm/convert/convert.h"
#include "xlstm/convert/new_folder.h"
#include "xlstm/engine/copy_record.h"
#include "xlstm/hub/file_lock.h"
#include "xlstm/wiring/discover.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

std::optional<Checkpoint> open_copy(const fs::path& folder, const Json& record) {
  if (!is_copy_of(folder, record)) return std::nullopt;
  try {
    return Checkpoint::open(folder);
  } catch (const Error&) {
    return std::nullopt;  // damaged: to be made anew
  }
}

// Names of what the weights depend on.
std::set<std::string> files_of(const Checkpoint& model) {
  std::set<std::string> names = {model.config_file.filename().string()};
  for (const TensorInfo& tensor : model.tensors->tensors()) {
    names.insert(tensor.file.filename().string());
  }
  return names;
}

// One name for one record.
fs::path copy_folder(const fs::path& copies, const Json& record, const Plan& plan) {
  Hash hash;
  hash.add(record.dump());
  std::string name = str(plan.name, "-", short_name(format_in(record)));
  std::replace(name.begin(), name.end(), '/', '-');
  return copies / str(name, "-", hexadecimal(hash.value()));
}

std::vector<fs::path> folders_in(const fs::path& copies) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::directory_iterator entry(copies, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) folders.push_back(entry->path());
  }
  return folders;
}

std::uint64_t bytes_in(const fs::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    const std::uint64_t size = entry->file_size(ignored);
    if (!ignored) bytes += size;
  }
  return bytes;
}

std::uint64_t bytes_of_weights(const Checkpoint& model, const ConvertOptions& options) {
  std::uint64_t bytes = 0;
  for (const Conversion& each : plan_conversions(model.plan, *model.tensors, options)) {
    bytes += each.bytes();
  }
  return bytes;
}

// Before minutes of work.
void check_room(const fs::path& copies, std::uint64_t needed) {
  std::error_code error;
  const fs::space_info space = fs::space(copies, error);
  if (error || needed <= space.available) return;  // not every file system tells
  fail_wanted(ErrorKind::kFile, copies.string(), str(human_bytes(needed), " of free space"),
              human_bytes(space.available));
}

QuantizedCopy look_at(const fs::path& folder) {
  QuantizedCopy copy;
  copy.folder = folder;
  copy.bytes = bytes_in(folder);
  if (const std::optional<Json> record = read_copy_record(folder)) {
    copy.model = model_in(*record);
    copy.name = model_name(copy.model);
    copy.format = short_name(format_in(*record));
    copy.current = is_current(*record);
  }
  return copy;
}

void create_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    fail(ErrorKind::kFile, folder.string(), str("cannot create the folder: ", error.message()));
  }
}

// Of the same model and format, made when its files were others.
void remove_outdated(const fs::path& copies, const Json& record) {
  for (const QuantizedCopy& copy : list_quantized_copies(copies)) {
    const std::optional<Json> other = read_copy_record(copy.folder);
    if (other && !copy.current && copy.model == model_in(record) &&
        format_in(*other) == format_in(record)) {
      remove_quantized_copy(copy);
    }
  }
}

void remove_folder(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) fail(ErrorKind::kFile, folder.string(), str("cannot remove it: ", error.message()));
}

// Its record first: without it, it is none.
void remove_copy(const fs::path& folder) {
  remove_copy_record(folder);
  remove_folder(folder);
}

// What processes left that were killed: nobody else makes a copy now.
void remove_unfinished(const fs::path& copies) {
  for (const fs::path& folder : folders_in(copies)) {
    if (folder.filename().string().starts_with(kUnfinishedFolder)) remove_folder(folder);
  }
}

void notice(const EngineOptions& options, const std::string& text) {
  if (options.on_notice) options.on_notice(text);
}

// The right to make copies in this folder.
FileLock lock_copies(const EngineOptions& options) {
  constexpr std::chrono::milliseconds kLookAgain{100};
  bool is_told = false;
  return FileLock(options.quantized_copies / ".lock", [&, is_told]() mutable {
    if (!std::exchange(is_told, true))
      notice(options, "waiting for another program that quantises");
    if (options.on_load_progress) options.on_load_progress(0);  // may stop us
    std::this_thread::sleep_for(kLookAgain);
  });
}

Checkpoint make_copy(const Checkpoint& model, const QuantizationRecipe& recipe,
                     const EngineOptions& options, const fs::path& folder, const Json& record) {
  ConvertOptions convert_options;
  convert_options.recipe = recipe;
  convert_options.threads = options.threads;
  convert_options.on_progress = options.on_load_progress;
  remove_unfinished(options.quantized_copies);
  remove_copy(folder);  // one without its record, or damaged
  const std::uint64_t bytes = bytes_of_weights(model, convert_options);
  check_room(options.quantized_copies, bytes);
  notice(options, str("quantising once; a copy of ", human_bytes(bytes), " is kept in ",
                      quoted(folder.string())));
  convert(model.path, folder, convert_options);
  write_copy_record(folder, record);
  remove_outdated(options.quantized_copies, record);
  return Checkpoint::open(folder);
}

Checkpoint found_or_made(const Checkpoint& model, const QuantizationRecipe& recipe,
                         const EngineOptions& options, const Json& record) {
  create_folders(options.quantized_copies);
  const fs::path folder = copy_folder(options.quantized_copies, record, model.plan);
  if (std::optional<Checkpoint> copy = open_copy(folder, record)) return std::move(*copy);
  const FileLock lock = lock_copies(options);
  if (std::optional<Checkpoint> copy = open_copy(folder, record)) return std::move(*copy);
  return make_copy(model, recipe, options, folder, record);
}

}  // namespace

fs::path default_quantized_copies() {
  const char* own = std::getenv("XLSTM_CACHE");
  if (own != nullptr && *own != '\0') return fs::path(own) / "quantized";
  const fs::path caches = user_cache_folder();
  return caches.empty() ? caches : caches / "xlstm" / "quantized";
}

std::vector<QuantizedCopy> list_quantized_copies(const fs::path& folder) {
  std::vector<QuantizedCopy> found;
  for (const fs::path& each : folders_in(folder)) found.push_back(look_at(each));
  std::ranges::sort(found, {}, &QuantizedCopy::folder);
  return found;
}

void remove_quantized_copy(const QuantizedCopy& copy) {
  remove_copy(copy.folder);
}

Checkpoint quantized_copy(Checkpoint model, const QuantizationRecipe& recipe,
                          const EngineOptions& options) {
  const fs::path& copies = options.quantized_copies;
  if (copies.empty() || model.folder.empty() || is_quantised(model.plan) ||
      !quantizes_anything(recipe, model.plan)) {
    return model;
  }
  const std::optional<Json> record = copy_record(model.folder, files_of(model), recipe.format);
  if (!record) return model;  // loading it says why
  try {
    Checkpoint copy = found_or_made(model, recipe, options, *record);
    copy.plan.name = model.plan.name;
    return copy;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kFile && error.kind() != ErrorKind::kUsage) throw;
    notice(options, str("no quantised copy is kept: ", error.what()));
    return model;
  }
}

}  // namespace xlstm
