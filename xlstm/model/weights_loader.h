// A plan's slots as arrays in memory.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "mlx/dtype.h"
#include "xlstm/ops/ops.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

struct LoadedWeights {
  std::map<std::string, ops::WeightArray> arrays;  // by canonical name
  std::uint64_t bytes = 0;                         // in memory
  // Of sizes, formats, constants and file bytes, whatever the dtype in memory.
  std::uint64_t fingerprint = 0;
};

// Copies every slot's sources into one array each, converted to `dtype` (or kept float32, or
// quantised as they are), slot by slot, releasing the source's pages behind it: the peak is the
// weights and one tensor's pages.
LoadedWeights load_weights(const Plan& plan, const TensorSource& source, mlx::core::Dtype dtype,
                           const std::function<void(double)>& on_progress);

// What a slot takes in memory.
std::uint64_t memory_bytes(const Slot& slot, mlx::core::Dtype dtype);
std::uint64_t memory_bytes(const ops::WeightArray& weight);

}  // namespace xlstm
