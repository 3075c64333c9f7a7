#include "xlstm/model/tirex2/variate_mixer.h"

#include <array>
#include <optional>
#include <utility>

namespace xlstm::tirex2 {

VariateMixer::VariateMixer(const VariateSpec& spec, const LayerWeights& w)
    : spec_(spec),
      norm_(w.norm("norm")),
      qkv_(w.dense("qkv")),
      out_(w.dense("out")),
      ffn_norm_(w.norm("ffn_norm")),
      up_(w.dense("up")),
      down_(w.dense("down")) {}

Tensor VariateMixer::forward(Backend& b, Tensor x, const RowBatch& rows) const {
  if (rows.mixed == 0) return x;
  const std::int64_t mixed = rows.mixed, R = rows.R;
  const Tensor alone = mixed < R ? rows_of(b, x, rows, mixed, R) : Tensor();
  if (alone) x = rows_of(b, x, rows, 0, mixed);

  RowAttentionSpec attention = rows.groups;
  attention.NA = spec_.NA;
  attention.qk_norm_eps = spec_.qk_norm ? std::optional(kQkNormEps) : std::nullopt;
  const Tensor o = b.row_attention(b.norm_linear(x, norm_, kNormEps, qkv_), attention);
  x = b.linear_add(o, out_, std::move(x));
  const Tensor z = b.activate(b.norm_linear(x, ffn_norm_, kNormEps, up_), spec_.act_func);
  x = b.linear_add(z, down_, std::move(x));
  return alone ? b.join_tokens(std::array{x, alone}, 1) : x;
}

}  // namespace xlstm::tirex2
