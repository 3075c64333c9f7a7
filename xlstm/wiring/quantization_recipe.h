// Which of a model's parameters are quantised, and how.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/base/quantization.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

struct QuantizationRecipe {
  Quantization format;                    // of matrices
  std::optional<Quantization> outer;      // of embedding and head; none: `format`
  std::optional<Quantization> embedding;  // of the embedding; none: `outer`
  std::optional<Quantization> head;       // of the head; none: `outer`
  std::vector<std::string> exclude;       // kinds that stay as they are, of quantizable_kinds()
  bool search = true;                     // for scales of least error, instead of MLX's min and max
};

// The names of a plan's matrices that can be quantised: "embedding", "head", and those within
// layers, as "qkvo" of "blocks.0.mlstm.qkvo.weight". Views into the plan.
std::vector<std::string_view> quantizable_kinds(const Plan& plan);

// The format that a parameter gets; none for what is excluded, is no matrix, or is quantised
// already. A matrix that is embedding and head gets what either wants, and is excluded where either
// is. Where the group does not divide the rows, the next smaller one that does; none where none
// does.
std::optional<Quantization> format_for(const QuantizationRecipe& recipe, const Plan& plan,
                                       const Layer& layer, const Parameter& parameter);

// The type of the scales of a matrix that a file holds in `weights`: bfloat16 for float32, whose
// scales would take twice the room.
DType scale_type_for(const Quantization& format, DType weights);

// What is best for `format`, as measured (docs/quality.md).
QuantizationRecipe default_recipe(const Quantization& format);

// Throws Error(kUsage) "[where] ..." for a format that we do not have, or one for what is excluded.
void check_recipe(const QuantizationRecipe& recipe, std::string_view where);

// Throws Error(kUsage) "[where] ..." where the recipe excludes what the plan does not have, or
// where head and embedding are one matrix of the model, and it wants two things of that.
void check_recipe_for(const QuantizationRecipe& recipe, const Plan& plan, std::string_view where);

bool is_quantised(const Plan& plan);  // any of its parameters

// Whether the recipe changes any parameter.
bool quantizes_anything(const QuantizationRecipe& recipe, const Plan& plan);

}  // namespace xlstm
