#include "xlstm/convert/convert.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/convert/conversion.h"
#include "xlstm/convert/gptq_factors.h"
#include "xlstm/convert/model_files.h"
#include "xlstm/convert/new_folder.h"
#include "xlstm/convert/tensor_maker.h"
#include "xlstm/weights/safetensors_writer.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

void check_options(const Plan& plan, const fs::path& from, const fs::path& to,
                   const ConvertOptions& options) {
  std::error_code ignored;
  if (fs::equivalent(from, to, ignored)) {
    fail_wanted(ErrorKind::kUsage, to.string(), "another folder than the one to convert", "it");
  }
  if (options.recipe) {
    check_recipe(*options.recipe, "quantize");
    check_recipe_for(*options.recipe, plan, from.string());
  }
  if (options.recipe && is_quantised(plan)) {
    fail_wanted(ErrorKind::kModel, from.string(),
                "a model that is not quantised (rounding twice only loses)", "a quantised one");
  }
}

class Progress {
 public:
  Progress(const TensorSource& source, const std::function<void(double)>& report)
      : report_(report) {
    for (const TensorInfo& tensor : source.tensors()) all_ += tensor.bytes;
  }
  void add(std::uint64_t bytes) {
    done_ += bytes;
    if (report_ && all_ > 0) report_(static_cast<double>(done_) / static_cast<double>(all_));
  }
  std::uint64_t all() const { return all_; }

 private:
  const std::function<void(double)>& report_;
  std::uint64_t all_ = 0, done_ = 0;
};

void write_shard(const fs::path& file, const std::vector<Conversion>& shard,
                 const TensorSource& source, const ConvertOptions& options, GptqFactors& factors,
                 Progress& progress) {
  std::vector<TensorHeader> headers;
  for (const Conversion& each : shard) {
    headers.insert(headers.end(), each.written.begin(), each.written.end());
  }
  auto metadata = source.metadata();
  if (options.recipe || metadata.empty()) metadata["format"] = "mlx";
  SafetensorsWriter out(file, headers, metadata);
  for (const Conversion& each : shard) {
    make_tensors(each, source, options, factors,
                 [&out](std::span<const std::byte> bytes) { out.write(bytes); });
    progress.add(source.tensors()[each.source].bytes);
  }
  out.commit();
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
  check_options(plan, from, to, options);
  const std::vector<Conversion> all = plan_conversions(plan, source, options);
  if (options.check_memory) options.check_memory(most_bytes(all, source, options));
  const auto shards = split_into_shards(all, options.shard_bytes);

  NewFolder folder(to, options.replace);
  Progress progress(source, options.on_progress);
  ThreadPool pool(options.threads);
  GptqFactors factors(pool, options.covariance);
  for (std::size_t i = 0; i < shards.size(); ++i) {
    write_shard(folder.path() / shard_name(i, shards.size()), shards[i], source, options, factors,
                progress);
  }
  if (shards.size() > 1) write_index(folder.path(), shards);
  copy_texts(checkpoint.folder, folder.path());
  write_config(checkpoint, folder.path(), all, options);
  folder.commit();

  ConvertReport report;
  report.bytes_before = progress.all();
  for (const Conversion& each : all) report.bytes_after += each.bytes();
  report.parameters = plan.parameter_count();
  report.files = shards.size();
  return report;
}

}  // namespace xlstm
