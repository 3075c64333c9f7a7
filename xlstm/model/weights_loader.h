// A plan's parameters in a backend's memory.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "xlstm/backend/backend.h"
#include "xlstm/model/layer_recipe.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/plan.h"
#include "xlstm/wiring/quantization_recipe.h"

namespace xlstm {

// How weights lie in memory: as `dtype`, but for gates and norms (float32), for what the file holds
// quantised (as it is) and for what the recipe quantises.
struct MemoryFormat {
  DType dtype = DType::kF32;  // kF32 or kBF16
  std::optional<QuantizationRecipe> recipe;
};

struct LoadedWeights {
  WeightMap weights;
  std::uint64_t bytes = 0;  // in memory
  // Of sizes, formats, constants and file bytes, whatever the type in memory.
  std::uint64_t fingerprint = 0;
};

// Bytes of a file that are held at once while they are quantised: work for all threads.
inline constexpr std::uint64_t kMostPiece = std::uint64_t{1} << 25;

// Puts every parameter's sources into one tensor each, one after the other and piece by piece: the
// peak is the weights and kMostPiece. Throws Error: kModel "[tensor] ..." for numbers that a
// narrower type cannot hold, kFile where the source cannot be read.
LoadedWeights load_weights(const Plan& plan, const TensorSource& source, Backend& backend,
                           const MemoryFormat& format,
                           const std::function<void(double)>& on_progress);

// LoadedWeights::fingerprint alone: reads everything once and keeps nothing. Throws Error(kFile).
std::uint64_t fingerprint_of(const Plan& plan, const TensorSource& source,
                             const std::optional<QuantizationRecipe>& recipe);

// What a parameter takes in memory.
std::uint64_t memory_bytes(const Plan& plan, const Layer& layer, const Parameter& parameter,
                           const MemoryFormat& format);

}  // namespace xlstm
