#include "xlstm/model/tirex/recipes.h"

#include <utility>

#include "xlstm/wiring/families/tirex/tirex.h"

namespace xlstm::tirex {
namespace {

class SlstmLayer final : public LayerRecipe {
 public:
  SlstmLayer(const SlstmSpec& spec, const LayerWeights& w)
      : spec_(spec),
        norm_(w.norm("norm")),
        gates_if_(w.headwise("gates_if")),
        gates_zo_(w.headwise("gates_zo")),
        cell_(w.slstm("recurrent", "bias")),
        group_norm_(w.norm_around_one("group_norm")) {}

  Tensor forward(Backend& b, Tensor x, LayerState state) const override {
    const Tensor a = b.rms_norm(x, norm_, spec_.norm_eps);
    const Tensor y = b.slstm_scan(b.headwise_linear(a, gates_if_), b.headwise_linear(a, gates_zo_),
                                  cell_, state);
    return b.add(std::move(x), b.head_norm(y, group_norm_, spec_.NH, spec_.group_norm_eps));
  }
  bool takes_unequal_lengths() const override { return true; }

 private:
  SlstmSpec spec_;
  Norm norm_;          // D
  Headwise gates_if_;  // [2 * NH, DH, DH]
  Headwise gates_zo_;  // [2 * NH, DH, DH]
  SlstmWeights cell_;  // R [NH, DH, 4 * DH], bias [NH, 4 * DH]
  Norm group_norm_;    // NH * DH
};

}  // namespace

std::unique_ptr<const LayerRecipe> make_slstm_layer(const Layer& layer,
                                                    const LayerWeights& weights) {
  return std::make_unique<SlstmLayer>(layer.spec_as<SlstmSpec>(), weights);
}

}  // namespace xlstm::tirex
