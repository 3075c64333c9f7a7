// The table of recipes: a family adds its own here.
#include <array>

#include "xlstm/model/layer_recipe.h"
#include "xlstm/model/xlstm_large/recipes.h"

namespace xlstm {

std::span<const RecipeEntry> all_recipes() {
  static const std::array kRecipes = {
      RecipeEntry{"mlstm", xlstm_large::make_mlstm_layer},
      RecipeEntry{"ffn", xlstm_large::make_gated_ffn},
  };
  return kRecipes;
}

}  // namespace xlstm
