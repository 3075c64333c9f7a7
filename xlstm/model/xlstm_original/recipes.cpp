#include "xlstm/model/xlstm_original/recipes.h"

#include <array>
#include <optional>
#include <utility>

#include "xlstm/model/xlstm_original/slstm_storage.h"
#include "xlstm/wiring/families/xlstm_original/xlstm_original.h"

namespace xlstm::xlstm_original {
namespace {

// Of the stream, x [T, D].
Tensor layer_norm(Backend& b, const Tensor& x, const Norm& norm) {
  return b.head_norm(b.to_float32(x), norm, 1, kOriginalNormEps);
}

std::int64_t tokens_of_a_row(const Tensor& x, const StateBatch& states) {
  return x.shape()[0] / static_cast<std::int64_t>(states.rows());
}

class MlstmLayer final : public LayerRecipe {
 public:
  MlstmLayer(const Layer& layer, const LayerWeights& w)
      : spec_(layer.spec_as<OriginalMlstmSpec>()),
        norm_(w.norm_around_one("norm")),
        up_(w.dense("up")),
        conv_(w.causal_conv("conv")),
        qk_(w.headwise("qk")),
        v_(w.headwise("v")),
        gates_(w.dense("gates")),
        head_norm_(w.norm_around_one("head_norm")),
        skip_(w.backend().to_activation(w.tensor("skip"))),
        down_(w.dense("down")) {}

  Tensor forward(Backend& b, Tensor x, LayerState state) const override {
    const Tensor up = b.linear(layer_norm(b, x, norm_), up_);
    const Tensor xm = b.columns(up, 0, E());
    const Tensor c = b.activate(b.causal_conv1d(xm, conv_, window(state)), Activation::kSilu);
    const MlstmCellInput in = cell_input(b, c, xm);
    if (state.batch.is_on_trial()) remember(b, in, xm, state);
    const Tensor h =
        b.head_norm(b.mlstm_cell(in, mixer(), state), head_norm_, spec_.NH, kOriginalNormEps);
    // (h + skip * c) * SiLU(z)
    const Tensor with_skip = b.add(h, b.multiply(c, skip_));
    Tensor gate = b.activate(b.columns(up, E(), 2 * E()), Activation::kSilu);
    return b.linear_add(b.multiply(std::move(gate), with_skip), down_, std::move(x));
  }

 private:
  std::int64_t E() const { return spec_.NH * spec_.DH; }
  MlstmMixerSpec mixer() const {
    return {spec_.NH, spec_.DH, spec_.DH, kOriginalNormEps, spec_.cell_eps, {}};
  }
  static LayerState window(LayerState state) { return {state.batch, state.first + 3}; }

  // q and k from what was convolved, v from what was not, the gates from all three.
  MlstmCellInput cell_input(Backend& b, const Tensor& c, const Tensor& xm) const {
    const Tensor qk = b.headwise_linear(c, qk_), v = b.headwise_linear(xm, v_);
    const Tensor gates = b.linear(b.to_float32(b.join_columns(std::array{qk, v})), gates_);
    return {.q = b.columns(qk, 0, E()),
            .k = b.columns(qk, E(), 2 * E()),
            .v = v,
            .i = b.columns(gates, 0, spec_.NH),
            .f = b.columns(gates, spec_.NH, 2 * spec_.NH)};
  }

  void remember(Backend& b, const MlstmCellInput& in, const Tensor& xm, LayerState state) const {
    const std::int64_t S = tokens_of_a_row(xm, state.batch);
    state.batch.add_replay(state.first, [this, &b, in, xm, S](StateBatch& to, std::size_t first,
                                                              std::int64_t row, std::int64_t n) {
      const auto part = [&](const Tensor& x) { return b.tokens(x, 1, row * S, row * S + n); };
      b.mlstm_cell({part(in.q), part(in.k), part(in.v), part(in.i), part(in.f)}, mixer(),
                   {to, first});
      b.causal_conv1d(part(xm), conv_, window({to, first}));
    });
  }

  OriginalMlstmSpec spec_;
  Norm norm_;        // D
  Dense up_;         // [2 * E, D], rows xm, z
  CausalConv conv_;  // [E, K]
  Headwise qk_;      // groups of q, of k
  Headwise v_;
  Dense gates_;     // [2 * NH, 3 * E] float32, rows i, f
  Norm head_norm_;  // E
  Tensor skip_;     // [E]
  Dense down_;      // [D, E]
};

class SlstmLayer final : public LayerRecipe {
 public:
  SlstmLayer(const Layer& layer, const LayerWeights& w)
      : spec_(layer.spec_as<OriginalSlstmSpec>()),
        norm_(w.norm_around_one("norm")),
        gates_if_(w.headwise("gates_if")),
        gates_zo_(w.headwise("gates_zo")),
        cell_(slstm_weights(w, spec_)),
        group_norm_(spec_.has_norm_weights ? w.norm_around_one("group_norm") : ones(w.backend())) {
    if (spec_.K > 0) conv_ = w.causal_conv("conv");
  }

  Tensor forward(Backend& b, Tensor x, LayerState state) const override {
    const Tensor a = layer_norm(b, x, norm_);
    const Tensor gates_if = b.headwise_linear(convolved(b, a, state), gates_if_);
    const Tensor gates_zo = b.headwise_linear(a, gates_zo_);
    if (state.batch.is_on_trial()) remember(b, gates_if, gates_zo, a, state);
    const Tensor y = b.slstm_scan(gates_if, gates_zo, cell_, state);
    return b.add(std::move(x), b.head_norm(y, group_norm_, spec_.NH, kOriginalNormEps));
  }

 private:
  std::int64_t D() const { return spec_.NH * spec_.DH; }
  static LayerState window(LayerState state) { return {state.batch, state.first + 4}; }

  Norm ones(Backend& b) const { return b.prepare(Norm{b.filled({D()}, 1), {}}); }

  Tensor convolved(Backend& b, const Tensor& a, LayerState state) const {
    if (!conv_) return a;
    return b.activate(b.causal_conv1d(a, *conv_, window(state)), Activation::kSilu);
  }

  void remember(Backend& b, const Tensor& gates_if, const Tensor& gates_zo, const Tensor& a,
                LayerState state) const {
    const std::int64_t S = tokens_of_a_row(a, state.batch);
    state.batch.add_replay(
        state.first, [this, &b, gates_if, gates_zo, a, S](StateBatch& to, std::size_t first,
                                                          std::int64_t row, std::int64_t n) {
          const auto part = [&](const Tensor& x) { return b.tokens(x, 1, row * S, row * S + n); };
          b.slstm_scan(part(gates_if), part(gates_zo), cell_, {to, first});
          if (conv_) b.causal_conv1d(part(a), *conv_, window({to, first}));
        });
  }

  OriginalSlstmSpec spec_;
  Norm norm_;                       // D
  std::optional<CausalConv> conv_;  // [D, K]
  Headwise gates_if_;               // heads of i, of f
  Headwise gates_zo_;               // of z, of o
  SlstmWeights cell_;
  Norm group_norm_;  // D
};

class GatedFfn final : public LayerRecipe {
 public:
  GatedFfn(const Layer& layer, const LayerWeights& w)
      : activation_(layer.spec_as<OriginalFfnSpec>().activation),
        norm_(w.norm_around_one("norm")),
        up_(w.dense("up")),
        down_(w.dense("down")) {}

  Tensor forward(Backend& b, Tensor x, LayerState) const override {
    const Tensor z = b.gated(b.linear(layer_norm(b, x, norm_), up_), activation_);
    return b.linear_add(z, down_, std::move(x));
  }

 private:
  Activation activation_;
  Norm norm_;   // D
  Dense up_;    // [2 * F, D], rows gate, up
  Dense down_;  // [D, F]
};

class PostNorm final : public LayerRecipe {
 public:
  explicit PostNorm(const LayerWeights& w) : norm_(w.norm_around_one("")) {}

  Tensor forward(Backend& b, Tensor x, LayerState) const override {
    return layer_norm(b, x, norm_);
  }

 private:
  Norm norm_;  // D
};

}  // namespace

std::unique_ptr<const LayerRecipe> make_mlstm_layer(const Layer& layer,
                                                    const LayerWeights& weights) {
  return std::make_unique<MlstmLayer>(layer, weights);
}

std::unique_ptr<const LayerRecipe> make_slstm_layer(const Layer& layer,
                                                    const LayerWeights& weights) {
  return std::make_unique<SlstmLayer>(layer, weights);
}

std::unique_ptr<const LayerRecipe> make_ffn(const Layer& layer, const LayerWeights& weights) {
  return std::make_unique<GatedFfn>(layer, weights);
}

std::unique_ptr<const LayerRecipe> make_norm(const Layer& /*layer*/, const LayerWeights& weights) {
  return std::make_unique<PostNorm>(weights);
}

}  // namespace xlstm::xlstm_original
