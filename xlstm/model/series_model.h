// A model that reads patches of series: (patch tokens, states) -> what its last layer makes of
// them.
#pragma once

#include <cstddef>
#include <memory>

#include "xlstm/model/layer_stack.h"
#include "xlstm/model/loaded_plan.h"

namespace xlstm {

class SeriesModel {
 public:
  // The plan's first layer says what is made of series; each behind it has a recipe. Throws Error
  // as load_plan() does.
  static SeriesModel load(const Plan& plan, const TensorSource& source,
                          std::shared_ptr<Backend> backend, const LoadOptions& options = {});

  // x [B * S, I] float32, S patch tokens of each of B = states.rows() rows -> [B * S, O], float32,
  // where I is what the first layer behind "series" reads and O what the last one makes; of
  // pass.last tokens of each row [B * pass.last, O]. pass.on_layer gets indices of the plan's
  // layers.
  Tensor forward(const Tensor& x, StateBatch& states, StackPass pass = {}) const;

  const LoadedPlan& loaded() const { return loaded_; }
  Backend& backend() const { return *loaded_.backend; }

 private:
  LoadedPlan loaded_;  // whose backend outlives the layers
  LayerStack layers_;
};

}  // namespace xlstm
