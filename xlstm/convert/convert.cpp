#include "xlstm/convert/convert.h"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/convert/conversion.h"
#include "xlstm/convert/gptq_factors.h"
#include "xlstm/convert/model_files.h"
#include "xlstm/convert/new_folder.h"
#include "xlstm/convert/tensor_maker.h"
#include "xlstm/weights/npz_writer.h"
#include "xlstm/weights/safetensors_writer.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

// Also the folder that a file to convert lies in, and a file of the folder to convert.
bool replaces_source(const fs::path& from, const fs::path& to, const TensorSource& source) {
  std::error_code ignored;
  std::set<fs::path> places = {from};
  for (const TensorInfo& tensor : source.tensors()) {
    places.insert({tensor.file, fs::absolute(tensor.file, ignored).parent_path()});
  }
  return std::ranges::any_of(
      places, [&](const fs::path& place) { return fs::equivalent(place, to, ignored); });
}

// A folder that is named as a file of weights would only be mistaken for one.
void check_name(const fs::path& to) {
  for (const std::string_view other :
       {".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".th", ".gguf", ".onnx", ".h5", ".NPZ"}) {
    if (to.extension() != other) continue;
    fail_wanted(ErrorKind::kUsage, to.string(),
                "a folder's name (for model.safetensors), or one that ends in .npz",
                str("one that ends in ", other));
  }
}

void check_options(const Plan& plan, const TensorSource& source, const fs::path& from,
                   const fs::path& to, const ConvertOptions& options) {
  if (replaces_source(from, to, source)) {
    fail_wanted(ErrorKind::kUsage, to.string(), "another place than that of the model to convert",
                "it");
  }
  check_name(to);
  if (options.recipe) {
    check_recipe(*options.recipe, "quantize");
    check_recipe_for(*options.recipe, plan, from.string());
  }
  if (options.verify && options.covariance != nullptr) {
    fail_wanted(ErrorKind::kUsage, "verify", "numbers that are rounded each for itself",
                "such that make up for each other's errors (calibrated)");
  }
  if (options.recipe && is_quantised(plan)) {
    fail_wanted(ErrorKind::kModel, from.string(),
                "a model that is not quantised (rounding twice only loses)", "a quantised one");
  }
}

class Progress {
 public:
  // `times` that every tensor is read.
  Progress(const TensorSource& source, int times, const std::function<void(double)>& report)
      : report_(report), times_(times) {
    for (const TensorInfo& tensor : source.tensors()) all_ += tensor.bytes;
  }
  void add(std::uint64_t bytes) {
    done_ += bytes;
    if (report_ && all_ > 0)
      report_(static_cast<double>(done_) / static_cast<double>(all_) / times_);
  }
  std::uint64_t all() const { return all_; }

 private:
  const std::function<void(double)>& report_;
  int times_;
  std::uint64_t all_ = 0, done_ = 0;
};

// What every step of a conversion uses.
struct Work {
  const Checkpoint& checkpoint;
  const std::vector<Conversion>& all;
  const ConvertOptions& options;
  GptqFactors& factors;
  Progress& progress;

  const TensorSource& source() const { return *checkpoint.tensors; }
};

std::vector<TensorHeader> headers_of(const std::vector<Conversion>& conversions) {
  std::vector<TensorHeader> headers;
  for (const Conversion& each : conversions) {
    headers.insert(headers.end(), each.written.begin(), each.written.end());
  }
  return headers;
}

std::map<std::string, std::string> metadata_for(const Work& work) {
  auto metadata = work.source().metadata();
  if (work.options.recipe || metadata.empty()) metadata["format"] = "mlx";
  return metadata;
}

template <typename Writer>
void write_tensors(const std::vector<Conversion>& conversions, const Work& work, Writer& out) {
  for (const Conversion& each : conversions) {
    make_tensors(each, work.source(), work.options, work.factors,
                 [&out](std::span<const std::byte> bytes) { out.write(bytes); });
    work.progress.add(work.source().tensors()[each.source].bytes);
  }
}

// Compares what is made once more with what `written` has.
void verify(const TensorSource& written, const Work& work) {
  std::vector<std::byte> read;
  for (const Conversion& each : work.all) {
    std::size_t part = 0;
    std::uint64_t at = 0;  // bytes of that part
    make_tensors(each, work.source(), work.options, work.factors, [&](auto bytes) {
      while (at == each.written[part].bytes()) ++part, at = 0;
      const TensorHeader& tensor = each.written[part];
      const std::size_t index = written.find(tensor.name);
      read.resize(bytes.size());
      if (index != TensorSource::npos && written.tensors()[index].shape == tensor.shape) {
        written.read(index, at, read);
      }
      if (index == TensorSource::npos || written.tensors()[index].dtype != tensor.dtype ||
          !std::ranges::equal(read, bytes)) {
        fail_wanted(ErrorKind::kFile, tensor.name, "the bytes that were written", "others");
      }
      at += bytes.size();
    });
    work.progress.add(work.source().tensors()[each.source].bytes);
  }
}

// Not every family reads what is quantised: better said before `to` gets its name.
void check_opens(const fs::path& written, const fs::path& to) {
  try {
    Checkpoint::open(written);
  } catch (const Error& error) {
    fail(error.kind(), to.string(), str("it could not be opened again: ", error.what()));
  }
}

bool is_npz(const fs::path& to) {
  return to.extension() == ".npz";
}

// Returns the number of files.
std::size_t write_folder(const fs::path& to, const Work& work) {
  const auto shards = split_into_shards(work.all, work.options.shard_bytes);
  NewFolder folder(to, work.options.replace);
  for (std::size_t i = 0; i < shards.size(); ++i) {
    SafetensorsWriter out(folder.path() / shard_name(i, shards.size()), headers_of(shards[i]),
                          metadata_for(work));
    write_tensors(shards[i], work, out);
    out.commit();
  }
  if (shards.size() > 1) write_index(folder.path(), shards);
  copy_texts(work.checkpoint, folder.path());
  write_config(work.checkpoint, folder.path(), work.all, work.options);
  if (work.options.recipe) check_opens(folder.path(), to);
  if (work.options.verify) verify(*open_weights(folder.path()), work);
  folder.commit();
  return shards.size();
}

std::size_t write_npz(const fs::path& to, const Work& work) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(to, error)) &&
      !(work.options.replace && fs::is_regular_file(to, error))) {
    fail_wanted(ErrorKind::kUsage, to.string(), "a name that is free",
                "one that exists; --force replaces a file");
  }
  NpzWriter out(to, headers_of(work.all), metadata_for(work),
                config_for(work.checkpoint, work.all, work.options));
  write_tensors(work.all, work, out);
  const fs::path written = out.finish();
  if (work.options.recipe) check_opens(written, to);
  if (work.options.verify) verify(*open_weights(written), work);
  out.commit();
  return 1;
}

std::uint64_t most_bytes(const std::vector<Conversion>& all, const TensorSource& source,
                         const ConvertOptions& options) {
  std::uint64_t most = 0;
  for (const Conversion& each : all) {
    std::uint64_t bytes = working_bytes(each, source, options);
    if (options.covariance != nullptr) bytes += options.covariance->bytes_for(each.parameter);
    most = std::max(most, bytes);
  }
  return most;
}

}  // namespace

ConvertReport convert(const fs::path& from, const fs::path& to, const ConvertOptions& options) {
  const Checkpoint checkpoint = Checkpoint::open(from);
  const TensorSource& source = *checkpoint.tensors;
  const Plan& plan = checkpoint.plan;
  check_options(plan, source, from, to, options);
  source.check_contents();
  const std::vector<Conversion> all = plan_conversions(plan, source, options);
  if (options.check_memory) options.check_memory(most_bytes(all, source, options));
  Progress progress(source, options.verify ? 2 : 1, options.on_progress);
  ThreadPool pool(options.threads);
  GptqFactors factors(pool, options.covariance);
  const Work work{checkpoint, all, options, factors, progress};

  ConvertReport report;
  report.files = is_npz(to) ? write_npz(to, work) : write_folder(to, work);
  report.bytes_before = progress.all();
  for (const Conversion& each : all) report.bytes_after += each.bytes();
  report.parameters = plan.parameter_count();
  return report;
}

}  // namespace xlstm
