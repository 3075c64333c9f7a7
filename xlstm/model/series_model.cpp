#include "xlstm/model/series_model.h"

#include <utility>

namespace xlstm {

SeriesModel SeriesModel::load(const Plan& plan, const TensorSource& source,
                              std::shared_ptr<Backend> backend, const LoadOptions& options) {
  PlanWithWeights whole = load_plan(plan, source, std::move(backend), options);
  SeriesModel out;
  out.layers_ = LayerStack(options.recipes, std::span(plan.layers).subspan(1), whole);
  out.loaded_ = std::move(whole.loaded);
  return out;
}

Tensor SeriesModel::forward(const Tensor& x, StateBatch& states, StackPass pass) const {
  Backend& b = backend();
  const auto S = static_cast<std::uint64_t>(x.shape()[0]) / states.rows();
  for (std::uint64_t& position : states.positions()) position += S;
  if (pass.on_layer) {
    pass.on_layer = [of_plan = std::move(pass.on_layer)](std::size_t layer, const Tensor& y) {
      of_plan(layer + 1, y);
    };
  }
  return b.to_float32(layers_.forward(b, b.to_activation(x), states, pass));
}

}  // namespace xlstm
