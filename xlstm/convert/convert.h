// A model folder into another: weights quantised or in other types, all else copied.
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
  bool replace = false;     // a model that is in the way
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

// Reads the model in `from` tensor by tensor and writes `to`: weights in one file or shards with an
// index, config.json with `quantization`, tokenizer and other texts as they are. `to` appears whole
// or not at all; an interrupted process may leave a folder ".xlstm-...tmp" beside it.
//
// Throws Error: kUsage when `to` exists (and is no empty folder) without `replace`, is `from`, or
// is no model's folder; kModel when `from` is quantised already and a recipe is given, or holds
// numbers that cannot be converted; kFile, kFormat.
ConvertReport convert(const std::filesystem::path& from, const std::filesystem::path& to,
                      const ConvertOptions& options);

}  // namespace xlstm
