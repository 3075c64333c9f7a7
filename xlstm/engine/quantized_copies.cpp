#include "xlstm/engine/quantized_copies.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <system_error>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/hash.h"
#include "xlstm/base/memory.h"
#include "xlstm/convert/conversion.h"
#include "xlstm/convert/convert.h"
#include "xlstm/engine/copy_record.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

std::optional<Checkpoint> open_copy(const fs::path& folder, const Json& record) {
  if (read_copy_record(folder) != record) return std::nullopt;
  try {
    return Checkpoint::open(folder);
  } catch (const Error&) {
    return std::nullopt;  // damaged: to be made anew
  }
}

// Names of what the weights depend on.
std::set<std::string> files_of(const Checkpoint& model) {
  std::set<std::string> names = {"config.json"};
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
    copy.format = short_name(format_in(*record));
    copy.current = copy_record(copy.model, files_in(*record), format_in(*record)) == record;
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

Checkpoint make_copy(const Checkpoint& model, const QuantizationRecipe& recipe,
                     const EngineOptions& options, const fs::path& folder, const Json& record) {
  ConvertOptions convert_options;
  convert_options.recipe = recipe;
  convert_options.replace = true;  // one without its record, or damaged; or another process's
  convert_options.threads = options.threads;
  convert_options.on_progress = options.on_load_progress;
  const std::uint64_t bytes = bytes_of_weights(model, convert_options);
  check_room(options.quantized_copies, bytes);
  if (options.on_notice) {
    options.on_notice(str("quantising once; a copy of ", human_bytes(bytes), " is kept in ",
                          quoted(folder.string())));
  }
  convert(model.folder, folder, convert_options);
  write_copy_record(folder, record);
  remove_outdated(options.quantized_copies, record);
  return Checkpoint::open(folder);
}

}  // namespace

fs::path default_quantized_copies() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return fs::path(value == nullptr ? "" : value);
  };
  if (const fs::path own = variable("XLSTM_CACHE"); !own.empty()) return own / "quantized";
  if (const fs::path cache = variable("XDG_CACHE_HOME"); cache.is_absolute()) {
    return cache / "xlstm" / "quantized";
  }
  const fs::path home = variable("HOME");
  return home.empty() ? fs::path() : home / ".cache" / "xlstm" / "quantized";
}

std::vector<QuantizedCopy> list_quantized_copies(const fs::path& folder) {
  std::vector<QuantizedCopy> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (!entry->is_directory(ignored)) continue;
    found.push_back(look_at(entry->path()));
  }
  std::ranges::sort(found, {}, &QuantizedCopy::folder);
  return found;
}

void remove_quantized_copy(const QuantizedCopy& copy) {
  std::error_code error;
  fs::remove(copy_record_file(copy.folder), error);
  if (!error) fs::remove_all(copy.folder, error);
  if (error) {
    fail(ErrorKind::kFile, copy.folder.string(), str("cannot remove it: ", error.message()));
  }
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
    create_folders(copies);
    const fs::path folder = copy_folder(copies, *record, model.plan);
    std::optional<Checkpoint> copy = open_copy(folder, *record);
    if (!copy) copy = make_copy(model, recipe, options, folder, *record);
    copy->plan.name = model.plan.name;
    return std::move(*copy);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kFile && error.kind() != ErrorKind::kUsage) throw;
    if (options.on_notice) {
      options.on_notice(str("no quantised copy is kept: ", error.what()));
    }
    return model;
  }
}

}  // namespace xlstm
