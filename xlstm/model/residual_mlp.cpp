#include "xlstm/model/residual_mlp.h"

#include <utility>

#include "xlstm/wiring/layer_specs.h"

namespace xlstm {
namespace {

class ResidualMlp final : public LayerRecipe {
 public:
  ResidualMlp(const ResidualMlpSpec& spec, const LayerWeights& w)
      : spec_(spec),
        hidden_(w.dense("hidden")),
        output_(w.dense("output")),
        residual_(w.dense("residual")) {}

  // x [T, I] -> [T, O]
  Tensor forward(Backend& b, Tensor x, LayerState) const override {
    const Tensor h = b.activate(b.linear(x, hidden_), spec_.activation);
    return b.linear_add(h, output_, b.linear(x, residual_));
  }
  bool takes_unequal_lengths() const override { return true; }

 private:
  ResidualMlpSpec spec_;
  Dense hidden_;    // [H, I]
  Dense output_;    // [O, H]
  Dense residual_;  // [O, I]
};

}  // namespace

std::unique_ptr<const LayerRecipe> make_residual_mlp(const Layer& layer,
                                                     const LayerWeights& weights) {
  return std::make_unique<ResidualMlp>(layer.spec_as<ResidualMlpSpec>(), weights);
}

}  // namespace xlstm
