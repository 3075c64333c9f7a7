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
  std::string slot;                    // canonical name of the slot that it is of
  std::optional<Quantization> format;  // it becomes words, scales and, affine, biases
  std::vector<TensorHeading> written;

  std::uint64_t bytes() const;  // of all that is written
};

// In the order of the checkpoint's names; with moments, of the plan.
std::vector<Conversion> plan_conversions(const Plan& plan, const TensorSource& source,
                                         const ConvertOptions& options);

// Runs of conversions that fill a file each: not above `shard_bytes`, unless one alone is.
std::vector<std::vector<Conversion>> divide(std::vector<Conversion> all, std::uint64_t shard_bytes);

// The layer of a tensor "path.weight".
std::string path_of(const std::string& weight);

}  // namespace xlstm
