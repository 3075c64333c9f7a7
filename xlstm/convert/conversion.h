// What becomes of each of a model's tensors, planned from headers alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "xlstm/convert/convert.h"
#include "xlstm/weights/safetensors_writer.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

// One of the checkpoint's tensors and what is written in its place.
struct Conversion {
  std::size_t source = 0;              // index into the checkpoint's tensors
  std::string parameter;               // canonical name of the parameter that it is of
  std::optional<Quantization> format;  // it becomes words, scales and, affine, biases
  std::vector<TensorHeader> written;

  std::uint64_t bytes() const;  // of all that is written
};

// In the order of the checkpoint's names; with an InputCovariance, of the plan.
std::vector<Conversion> plan_conversions(const Plan& plan, const TensorSource& source,
                                         const ConvertOptions& options);

// Consecutive conversions that fill a file each: at most `shard_bytes`, unless one alone is larger.
std::vector<std::vector<Conversion>> split_into_shards(std::vector<Conversion> all,
                                                       std::uint64_t shard_bytes);

// The layer of a tensor "path.weight".
std::string path_of(const std::string& weight);

}  // namespace xlstm
