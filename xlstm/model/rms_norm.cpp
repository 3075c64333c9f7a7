#include "xlstm/model/rms_norm.h"

#include "xlstm/wiring/layer_specs.h"

namespace xlstm {
namespace {

class RmsNorm final : public LayerRecipe {
 public:
  RmsNorm(const RmsNormSpec& spec, const LayerWeights& w) : spec_(spec), norm_(w.norm("")) {}

  Tensor forward(Backend& b, Tensor x, LayerState) const override {
    return b.rms_norm(x, norm_, spec_.eps);
  }
  bool takes_unequal_lengths() const override { return true; }

 private:
  RmsNormSpec spec_;
  Norm norm_;  // D
};

}  // namespace

std::unique_ptr<const LayerRecipe> make_rms_norm(const Layer& layer, const LayerWeights& weights) {
  return std::make_unique<RmsNorm>(layer.spec_as<RmsNormSpec>(), weights);
}

}  // namespace xlstm
