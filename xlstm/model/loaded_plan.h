// A plan whose weights are in a backend's memory: what models of every kind are made from.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "xlstm/backend/backend.h"
#include "xlstm/group/group.h"
#include "xlstm/model/layer_recipe.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/plan.h"
#include "xlstm/wiring/quantization_recipe.h"

namespace xlstm {

// What a divided model's part is a part of.
struct WholeModel {
  Plan plan;
  std::shared_ptr<const TensorSource> tensors;
};

struct LoadOptions {
  DType dtype = DType::kF32;                     // of weights in memory: kF32 or kBF16
  std::function<void(double)> on_progress = {};  // share of bytes loaded, 0 to 1
  std::optional<QuantizationRecipe> quantization =
      {};  // of what the file does not hold quantised already
  std::span<const RecipeEntry> recipes = all_recipes();
  // Of a rank's part: kept, to be read once more where a fingerprint is asked for.
  std::shared_ptr<const WholeModel> part_of = {};
};

// Of a model that is divided among ranks, which ask for it together: rank 0 reads all weights,
// once.
class WholeFingerprint {
 public:
  WholeFingerprint(std::shared_ptr<const WholeModel> whole,
                   std::optional<QuantizationRecipe> quantization)
      : whole_(std::move(whole)), quantization_(std::move(quantization)) {}

  // Throws Error(kFile) on all ranks where the weights cannot be read any more.
  std::uint64_t value(Group& group);

 private:
  std::shared_ptr<const WholeModel> whole_;
  std::optional<QuantizationRecipe> quantization_;
  std::optional<std::uint64_t> value_;
};

// All but the weights themselves, which a model's layers keep.
struct LoadedPlan {
  Plan plan;
  std::shared_ptr<Backend> backend;
  DType dtype = DType::kF32;  // of weights
  std::uint64_t weight_bytes = 0;
  std::uint64_t weights_hash = 0;
  std::shared_ptr<WholeFingerprint> of_whole;  // of a rank's part
  std::string quantized;                       // "", or ", loaded as affine, 4 bits, groups of 64"

  State initial_state() const;  // as the plan's layers declare it
  // `rows` sequences at their starts.
  std::unique_ptr<StateBatch> initial_states(std::size_t rows = 1) const;
  // Hex; of weights, sizes and constants. Of a divided model, that of the whole: all ranks ask
  // together.
  std::string fingerprint() const;
  // What tells models apart, for people: "name", "sizes", "constants", "weights".
  std::map<std::string, std::string> description() const;
};

struct PlanWithWeights {
  LoadedPlan loaded;
  WeightMap weights;

  // Of one of the plan's layers.
  LayerWeights weights_of(const Layer& layer) const {
    return LayerWeights(*loaded.backend, weights, layer);
  }
};

// Reads every weight once, into memory of `backend`. Throws Error as load_weights() does.
PlanWithWeights load_plan(const Plan& plan, const TensorSource& source,
                          std::shared_ptr<Backend> backend, const LoadOptions& options);

}  // namespace xlstm
