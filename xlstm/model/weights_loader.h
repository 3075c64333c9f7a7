// A plan's slots as arrays in memory.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "mlx/array.h"
#include "mlx/dtype.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

struct LoadedWeights {
  std::map<std::string, mlx::core::array> arrays;  // by canonical name
  std::uint64_t bytes = 0;                         // in memory
  std::uint64_t fingerprint = 0;  // of sizes and file bytes, whatever the dtype in memory
};

// Copies every slot's sources into one array each, converted to `dtype` (or kept float32), slot by
// slot, releasing the source's pages behind it: the peak is the weights and one tensor's pages.
LoadedWeights load_weights(const Plan& plan, const TensorSource& source, mlx::core::Dtype dtype,
                           const std::function<void(double)>& on_progress);

// Elements of a slot in memory: its own type.
mlx::core::Dtype memory_dtype(const Slot& slot, mlx::core::Dtype dtype);

}  // namespace xlstm
