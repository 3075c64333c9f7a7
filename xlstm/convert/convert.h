// A model into another: weights quantised, in other types or another format, all else copied.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include "xlstm/base/dtype.h"
#include "xlstm/convert/input_covariance.h"
#include "xlstm/wiring/quantization_recipe.h"

namespace xlstm {

struct ConvertOptions {
  std::optional<QuantizationRecipe> recipe;  // none: nothing is quantised
  // Of what is not quantised, but for gates and norms; kF32, kBF16 or kF16. None: as it is.
  std::optional<DType> dtype;
  bool replace = false;  // a model that is in the way
  // Reads what was written again and compares it, bit by bit, with what is made of the source once
  // more; not with `covariance`.
  bool verify = false;
  std::size_t threads = 0;  // 0: default_thread_count()
  std::uint64_t shard_bytes = 5'000'000'000;
  // GPTQ: later columns make up for the rounding of earlier ones (kernels/quantize/gptq.h),
  // where there is one; else each number is rounded for itself.
  InputCovariance* covariance = nullptr;
  // Called once before the work with the most bytes that it will hold; may throw to refuse.
  std::function<void(std::uint64_t)> check_memory = {};
  std::function<void(double)> on_progress = {};  // share of bytes read, 0 to 1; may throw to stop
};

struct ConvertReport {
  std::uint64_t bytes_before = 0, bytes_after = 0;  // of weights
  std::uint64_t parameters = 0;
  std::size_t files = 0;  // that hold weights
};

// Reads the model `from`, of any format that is read, tensor by tensor and writes `to`: a folder of
// safetensors in one file or shards with an index, config.json with `quantization`, tokenizer and
// other texts as they are; or, where its name ends with ".npz", one archive of arrays with
// config.json in it, and no tokenizer. `to` appears whole or not at all; an interrupted process may
// leave a folder or file ".xlstm-...tmp" beside it.
//
// Throws Error: kUsage when `to` exists (and is no empty folder) without `replace`, is `from`, a
// file of it or the folder around it, or is no model; kModel when `from` is quantised already and a
// recipe is given, or holds numbers that cannot be converted; kFile, also where what was written is
// not what was made; kFormat.
ConvertReport convert(const std::filesystem::path& from, const std::filesystem::path& to,
                      const ConvertOptions& options);

}  // namespace xlstm
