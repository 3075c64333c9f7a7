// The table of recipes: a family adds its own here.
#include <array>

#include "xlstm/model/layer_recipe.h"
#include "xlstm/model/residual_mlp.h"
#include "xlstm/model/rms_norm.h"
#include "xlstm/model/tirex/recipes.h"
#include "xlstm/model/xlstm_large/recipes.h"

namespace xlstm {

std::span<const RecipeEntry> all_recipes() {
  static const std::array kRecipes = {
      RecipeEntry{"mlstm", xlstm_large::make_mlstm_layer},
      RecipeEntry{"ffn", xlstm_large::make_gated_ffn},
      RecipeEntry{"rms_norm", make_rms_norm},
      RecipeEntry{"residual_mlp", make_residual_mlp},
      RecipeEntry{"tirex_slstm", tirex::make_slstm_layer},
  };
  return kRecipes;
}

}  // namespace xlstm
