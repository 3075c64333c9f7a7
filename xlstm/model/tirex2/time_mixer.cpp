#include "xlstm/model/tirex2/time_mixer.h"

#include <array>
#include <utility>

#include "xlstm/wiring/families/tirex2/tirex2.h"

namespace xlstm::tirex2 {
namespace {

// All rows, and behind them the known ones once more, backwards.
Tensor with_reversed(Backend& b, const Tensor& x, const RowBatch& rows) {
  if (rows.known == 0) return x;
  const Tensor reversed = b.reverse_tokens(rows_of(b, x, rows, 0, rows.known), rows.known);
  return b.join_tokens(std::array{x, reversed}, 1);
}

// What the cell made of those -> of each row one [R * S, D]: of known rows both directions, in
// combination, of others the only one.
Tensor combined(Backend& b, const Tensor& h, const RowBatch& rows, const Dense& combination) {
  const std::int64_t K = rows.known, R = rows.R;
  if (K == 0) return h;
  const Tensor backward = b.reverse_tokens(rows_of(b, h, rows, R, R + K), K);
  const Tensor both = b.join_columns(std::array{rows_of(b, h, rows, 0, K), backward});
  const Tensor of_known = b.linear(both, combination);
  if (K == R) return of_known;
  return b.join_tokens(std::array{of_known, rows_of(b, h, rows, K, R)}, 1);
}

class MlstmMixer final : public TimeMixer {
 public:
  MlstmMixer(const TimeMlstmSpec& spec, const LayerWeights& w)
      : spec_{spec.NH, spec.DHQK, spec.DHV, kNormEps, kNormEps, kGateSoftCap},
        norm_(w.norm("norm")),
        qkvo_(w.dense("qkvo")),
        gates_(w.dense("gates")),
        head_norm_(w.norm("head_norm")),
        out_(w.dense("out")),
        combination_(w.dense("combination")) {}

  Tensor forward(Backend& b, Tensor x, const RowBatch& rows, LayerState state) const override {
    // Both directions have the same projections.
    auto [qkvo, gates] = b.mlstm_projections(x, norm_, kNormEps, qkvo_, gates_);
    if (rows.known == 0) {
      return b.mlstm_mixer_add(qkvo, std::move(gates), head_norm_, spec_, state, out_,
                               std::move(x));
    }
    const Tensor h = b.mlstm_mixer(with_reversed(b, qkvo, rows), with_reversed(b, gates, rows),
                                   head_norm_, spec_, state);
    return b.add(std::move(x), combined(b, b.linear(h, out_), rows, combination_));
  }

 private:
  MlstmMixerSpec spec_;
  Norm norm_;          // D
  Dense qkvo_;         // [2 * NH * DHQK + 2 * NH * DHV, D]
  Dense gates_;        // [2 * NH, D] float32
  Norm head_norm_;     // D
  Dense out_;          // [D, D]
  Dense combination_;  // [D, 2 * D], columns forward, backward
};

class SlstmMixer final : public TimeMixer {
 public:
  SlstmMixer(const TimeSlstmSpec& spec, const LayerWeights& w)
      : spec_(spec),
        norm_(w.norm("norm")),
        gates_if_(w.headwise("gates_if")),
        gates_zo_(w.headwise("gates_zo")),
        cell_(w.slstm("recurrent", "bias")),
        group_norm_(w.norm("group_norm")),
        combination_(w.dense("combination")) {}

  Tensor forward(Backend& b, Tensor x, const RowBatch& rows, LayerState state) const override {
    const Tensor a = b.rms_norm(x, norm_, kNormEps);
    const Tensor gates_if = with_reversed(b, b.headwise_linear(a, gates_if_), rows);
    const Tensor gates_zo = with_reversed(b, b.headwise_linear(a, gates_zo_), rows);
    const Tensor y = b.slstm_scan(gates_if, gates_zo, cell_, state);
    const Tensor h = b.head_norm(y, group_norm_, spec_.NH, kNormEps);
    return b.add(std::move(x), combined(b, h, rows, combination_));
  }

 private:
  TimeSlstmSpec spec_;
  Norm norm_;          // D
  Headwise gates_if_;  // [2 * NH, DH, DH]
  Headwise gates_zo_;  // [2 * NH, DH, DH]
  SlstmWeights cell_;  // R [NH, DH, 4 * DH], bias [NH, 4 * DH]
  Norm group_norm_;    // D
  Dense combination_;  // [D, 2 * D], columns forward, backward
};

}  // namespace

std::unique_ptr<const TimeMixer> make_time_mixer(const Layer& layer, const LayerWeights& weights) {
  if (layer.kind == "tirex2_slstm") {
    return std::make_unique<SlstmMixer>(layer.spec_as<TimeSlstmSpec>(), weights);
  }
  return std::make_unique<MlstmMixer>(layer.spec_as<TimeMlstmSpec>(), weights);
}

}  // namespace xlstm::tirex2
