// The table of recipes: a family adds its own here.
#include <array>

#include "xlstm/model/layer_recipe.h"
#include "xlstm/model/residual_mlp.h"
#include "xlstm/model/rms_norm.h"
#include "xlstm/model/tirex/recipes.h"
#include "xlstm/model/xlstm_large/recipes.h"
#include "xlstm/model/xlstm_original/recipes.h"

namespace xlstm {

std::span<const RecipeEntry> all_recipes() {
  static const std::array kRecipes = {
      RecipeEntry{"mlstm", xlstm_large::make_mlstm_layer},
      RecipeEntry{"ffn", xlstm_large::make_gated_ffn},
      RecipeEntry{"original_mlstm", xlstm_original::make_mlstm_layer},
      RecipeEntry{"original_slstm", xlstm_original::make_slstm_layer},
      RecipeEntry{"original_ffn", xlstm_original::make_ffn},
      RecipeEntry{"original_norm", xlstm_original::make_norm},
      RecipeEntry{"rms_norm", make_rms_norm},
      RecipeEntry{"residual_mlp", make_residual_mlp},
      RecipeEntry{"tirex_slstm", tirex::make_slstm_layer},
  };
  return kRecipes;
}

}  // namespace xlstm
