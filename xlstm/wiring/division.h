// A model divided among ranks, each of which computes a part of every layer: heads of the mLSTM,
// columns of the feed-forward layer, rows of the vocabulary's head. What a rank holds is a plan of
// its own, made here from that of the whole, and the parts of tensors that it reads (cut_source.h):
// whoever loads and runs it need not know that it is a part.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "xlstm/group/share.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/cut_source.h"
#include "xlstm/wiring/plan.h"
#include "xlstm/wiring/quantization_recipe.h"

namespace xlstm {

// Which rank of how many.
struct RankOf {
  int rank = 0, size = 1;
};

// What a rank holds of one parameter [N, K] or [N].
struct Cut {
  enum class Of { kAll, kRows, kColumns, kNothing };
  Of of = Of::kAll;
  std::vector<Share> ranges = {};  // rows, one range after the other, rising; or one of columns
};

// How one layer of a family is divided: makes spec, state and activations of `layer` those of the
// rank (of a state's tensors some rows of axis 0, those of all ranks one after the other), and
// returns the cuts of its parameters, in their order. `group_of` is how many columns of a parameter
// share a scale, 1 where it is not quantised. Throws Error(kUsage) where the sizes do not divide.
using GroupOf = std::function<std::int64_t(const Parameter& parameter)>;
using DivideLayer = std::vector<Cut> (*)(Layer& layer, std::int64_t D, const RankOf& rank,
                                         const GroupOf& group_of);

struct Division {
  Plan plan;  // of the rank; its parameters' sources are indices into `tensors`
  std::vector<TensorCut> tensors;  // parts of the whole's tensors, by name and place
};

// `recipe` is what the weights are quantised by while they are loaded, if they are. Throws
// Error(kUsage), which says what would fit: where the family's models are not divided, where the
// number of ranks does not divide the heads, where a part is no whole number of groups.
Division divide(const Plan& whole, const TensorSource& tensors, const RankOf& rank,
                const std::optional<QuantizationRecipe>& recipe);

}  // namespace xlstm
