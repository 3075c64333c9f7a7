#include "benchmarks/calibration.h"

#include <algorithm>
#include <string>

#include "mlx/mlx.h"
#include "xlstm/base/error.h"
#include "xlstm/model/weights_loader.h"
#include "xlstm/ops/ops.h"

namespace xlstm {
namespace {

namespace mx = mlx::core;

// The model's forward pass, op by op, with an ear at every matrix (xlstm/model/large_block.cpp).
class Listener {
 public:
  Listener(const Plan& plan, const TensorSource& source)
      : plan_(plan), loaded_(load_weights(plan, source, {mx::float32, {}}, {})) {}

  Importance listen(const std::vector<std::int32_t>& ids) {
    constexpr std::size_t kSegment = 512;
    for (std::size_t at = 0; at < ids.size(); at += kSegment) {
      const std::size_t size = std::min(kSegment, ids.size() - at);
      read(mx::array(ids.begin() + static_cast<std::ptrdiff_t>(at), {1, static_cast<int>(size)},
                     mx::int32));
    }
    Importance out;
    for (auto& [slot, sum] : sums_) {
      mx::eval(sum);
      out[slot].assign(sum.data<float>(), sum.data<float>() + sum.size());
      for (float& x : out[slot]) x /= static_cast<float>(ids.size());
    }
    return out;
  }

 private:
  mx::array get(const std::string& name) const {
    return std::get<mx::array>(loaded_.arrays.at(name));
  }
  std::optional<mx::array> bias(const std::string& layer) const {
    const auto found = loaded_.arrays.find(layer + ".bias");
    return found == loaded_.arrays.end() ? std::nullopt
                                         : std::optional(std::get<mx::array>(found->second));
  }
  mx::array norm(const mx::array& x, const std::string& layer) const {
    return ops::rms_norm(x, get(layer + ".weight"), bias(layer), plan_.dims.norm_eps);
  }
  mx::array linear(const mx::array& x, const std::string& layer) {
    const std::string slot = layer + ".weight";
    const mx::array squares = mx::sum(mx::reshape(x * x, {-1, x.shape(-1)}), 0);
    const auto [at, added] = sums_.try_emplace(slot, squares);
    if (!added) at->second = at->second + squares;
    mx::eval(at->second);
    return ops::linear(x, get(slot), bias(layer));
  }

  mx::array mlstm(const mx::array& x, const std::string& at, ops::MlstmState& state) {
    const LargeDims& d = plan_.dims;
    const int S = x.shape(1), NH = static_cast<int>(d.NH);
    const int DHQK = static_cast<int>(d.DHQK), DHV = static_cast<int>(d.DHV);
    const int QK = NH * DHQK, V = NH * DHV;
    const mx::array a = norm(x, at + "norm");
    const auto qkvo = mx::split(linear(a, at + "qkvo"), mx::Shape{QK, 2 * QK, 2 * QK + V}, -1);
    const mx::array gates = ops::soft_cap(
        ops::linear(a, get(at + "gates.weight"), get(at + "gates.bias")), d.gate_soft_cap);
    const auto halves = mx::split(gates, 2, -1);
    const auto heads = [&](const mx::array& y, int width) {
      return mx::reshape(y, {1, S, NH, width});
    };
    ops::MlstmOutput cell = ops::mlstm(
        {heads(qkvo[0], DHQK), heads(qkvo[1], DHQK), heads(qkvo[2], DHV), halves[0], halves[1]},
        state, d.cell_eps);
    state = std::move(cell.state);
    const mx::array h = ops::head_norm(cell.h, get(at + "head_norm.weight"), bias(at + "head_norm"),
                                       d.norm_eps, mx::float32);
    return linear(mx::sigmoid(qkvo[3]) * h, at + "out");
  }

  void read(const mx::array& tokens) {
    const LargeDims& d = plan_.dims;
    const int NH = static_cast<int>(d.NH), DHQK = static_cast<int>(d.DHQK);
    mx::array x = mx::take(get("embedding.weight"), tokens, 0);
    for (std::int64_t l = 0; l < d.L; ++l) {
      const auto number = static_cast<std::size_t>(l);
      if (states_.size() <= number) {
        states_.push_back({mx::zeros({1, NH, DHQK, static_cast<int>(d.DHV)}),
                           mx::zeros({1, NH, DHQK}), mx::zeros({1, NH})});
      }
      const std::string block = str("blocks.", l, ".");
      x = x + mlstm(x, block + "mlstm.", states_[number]);
      const mx::array z = norm(x, block + "ffn.norm");
      x = x + linear(ops::swiglu(linear(z, block + "ffn.up")), block + "ffn.down");
    }
    if (d.has_out_norm) x = norm(x, "out_norm");
    mx::eval(linear(x, d.tied_head ? "embedding" : "lm_head"));
  }

  const Plan& plan_;
  LoadedWeights loaded_;
  std::vector<ops::MlstmState> states_;
  std::map<std::string, mx::array> sums_;
};

}  // namespace

Importance activation_squares(const Plan& plan, const TensorSource& source,
                              const std::vector<std::int32_t>& ids) {
  return Listener(plan, source).listen(ids);
}

}  // namespace xlstm
