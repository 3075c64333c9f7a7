#include "xlstm/model/series_model.h"

#include <utility>

namespace xlstm {

SeriesModel SeriesModel::load(const Plan& plan, const TensorSource& source,
                              std::shared_ptr<Backend> backend, const LoadOptions& options) {
  PlanWithWeights whole = load_plan(plan, source, std::move(backend), options);
  SeriesModel out;
  out.layers_ = LayerStack(options.recipes, plan.layers, whole);
  out.loaded_ = std::move(whole.loaded);
  return out;
}

Tensor SeriesModel::forward(const Tensor& x, StateBatch& states,
                            const LayerStack::OnLayer& on_layer) const {
  Backend& b = backend();
  const auto S = static_cast<std::uint64_t>(x.shape()[0]) / states.rows();
  for (std::uint64_t& position : states.positions()) position += S;
  return b.to_float32(layers_.forward(b, b.to_activation(x), states, on_layer));
}

}  // namespace xlstm
