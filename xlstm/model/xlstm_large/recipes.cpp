#include "xlstm/model/xlstm_large/recipes.h"

#include <utility>

namespace xlstm::xlstm_large {
namespace {

class MlstmLayer final : public LayerRecipe {
 public:
  MlstmLayer(const MlstmSpec& spec, const LayerWeights& w)
      : spec_(spec),
        norm_(w.norm("norm")),
        qkvo_(w.dense("qkvo")),
        gates_(w.dense("gates")),
        head_norm_(w.norm("head_norm")),
        out_(w.dense("out")) {}

  Tensor forward(Backend& b, Tensor x, LayerState state) const override {
    // q, k, v, o-gate; i, f: products of the normed x
    auto [qkvo, gates] = b.mlstm_projections(x, norm_, spec_.norm_eps, qkvo_, gates_);
    if (state.batch.is_on_trial()) remember(b, qkvo, gates, state);
    // of ranks each adds what its heads make of it, and one the stream
    return b.all_sum(b.mlstm_mixer_add(qkvo, std::move(gates), head_norm_, mixer_spec(spec_), state,
                                       out_, b.on_first_rank(std::move(x))));
  }
  bool takes_unequal_lengths() const override { return true; }

 private:
  // From these projections the state can be moved on by some of the tokens, without their x.
  void remember(Backend& b, const Tensor& qkvo, const Tensor& gates, LayerState state) const {
    const std::int64_t S = qkvo.shape()[0] / static_cast<std::int64_t>(state.batch.rows());
    state.batch.add_replay(
        state.first, [this, &b, qkvo, gates, S](StateBatch& to, std::size_t first, std::int64_t row,
                                                std::int64_t n) {
          const auto part = [&](const Tensor& x) { return b.tokens(x, 1, row * S, row * S + n); };
          b.mlstm_mixer(part(qkvo), part(gates), head_norm_, mixer_spec(spec_), {to, first});
        });
  }

  MlstmSpec spec_;
  Norm norm_;       // D
  Dense qkvo_;      // [2 * NH * DHQK + 2 * NH * DHV, D]
  Dense gates_;     // [2 * NH, D] float32
  Norm head_norm_;  // NH * DHV
  Dense out_;       // [D, NH * DHV]
};

class GatedFfn final : public LayerRecipe {
 public:
  GatedFfn(const GatedFfnSpec& spec, const LayerWeights& w)
      : spec_(spec), norm_(w.norm("norm")), up_(w.dense("up")), down_(w.dense("down")) {}

  Tensor forward(Backend& b, Tensor x, LayerState) const override {
    const Tensor z = b.norm_swiglu(x, norm_, spec_.norm_eps, up_);
    return b.all_sum(b.linear_add(z, down_, b.on_first_rank(std::move(x))));
  }
  bool takes_unequal_lengths() const override { return true; }

 private:
  GatedFfnSpec spec_;
  Norm norm_;   // D
  Dense up_;    // [2 * F, D], rows gate, up
  Dense down_;  // [D, F]
};

}  // namespace

MlstmMixerSpec mixer_spec(const MlstmSpec& spec) {
  return {spec.NH, spec.DHQK, spec.DHV, spec.norm_eps, spec.cell_eps, spec.gate_soft_cap};
}

std::unique_ptr<const LayerRecipe> make_mlstm_layer(const Layer& layer,
                                                    const LayerWeights& weights) {
  return std::make_unique<MlstmLayer>(layer.spec_as<MlstmSpec>(), weights);
}

std::unique_ptr<const LayerRecipe> make_gated_ffn(const Layer& layer, const LayerWeights& weights) {
  return std::make_unique<GatedFfn>(layer.spec_as<GatedFfnSpec>(), weights);
}

}  // namespace xlstm::xlstm_large
