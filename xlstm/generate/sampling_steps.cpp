// The steps of the sampling chain. MLX's CPU back end is scalar and sorts cost milliseconds on a
// large vocabulary, so each step does the least that its definition needs.
#include <cmath>
#include <limits>

#include "mlx/mlx.h"
#include "xlstm/base/error.h"
#include "xlstm/generate/sampling.h"
#include "xlstm/ops/ops.h"

namespace xlstm {
namespace {

namespace mx = mlx::core;

constexpr float kInf = std::numeric_limits<float>::infinity();

LogitsStep identity() {
  return [](const mx::array& logits, const mx::array&) { return logits; };
}

void want(bool ok, std::string_view field, std::string_view wanted, double got) {
  if (!ok) fail_wanted(ErrorKind::kUsage, field, wanted, str(got));
}

void want_id(TokenId id, std::int64_t V, std::string_view field) {
  if (id < 0 || id >= V) {
    fail_wanted(ErrorKind::kUsage, field, str("token ids in [0, ", V, ")"), str(id));
  }
}

// [1, V], filled with `neutral` but for the values given.
mx::array row_of(const std::map<TokenId, float>& values, std::int64_t V, float neutral) {
  std::vector<float> row(static_cast<std::size_t>(V), neutral);
  for (const auto& [id, value] : values) row[static_cast<std::size_t>(id)] = value;
  return mx::array(row.begin(), {1, static_cast<int>(V)});
}

// The largest logit of each row [B, 1]; finite even where every token is masked.
mx::array row_max(const mx::array& logits) {
  return mx::maximum(mx::max(logits, -1, true), mx::array(std::numeric_limits<float>::lowest()));
}

mx::array masked_unless(const mx::array& keep, const mx::array& logits) {
  return mx::where(keep, logits, mx::array(-kInf));
}

// Keeps `count` [B or 1, 1] int32 tokens of each row, where `threshold` [B, 1] is the count-th
// largest logit. Sorting values and counting equals, rather than sorting ids, makes ties go to the
// lower id on every back end, stable sort or not.
mx::array keep_largest(const mx::array& logits, const mx::array& threshold,
                       const mx::array& count) {
  const mx::array above = mx::greater(logits, threshold);
  const mx::array equal = mx::equal(logits, threshold);
  const mx::array room = count - mx::sum(mx::astype(above, mx::int32), -1, true);
  const mx::array rank = mx::cumsum(mx::astype(equal, mx::int32), -1);  // 1 for the first equal
  return masked_unless(above || (equal && mx::less_equal(rank, room)), logits);
}

}  // namespace

LogitsStep add_logit_bias(const std::map<TokenId, float>& bias, std::int64_t V) {
  for (const auto& [id, value] : bias) {
    want_id(id, V, "logit_bias");
    want(value < kInf, "logit_bias", "numbers or -inf", value);  // false for NaN
  }
  if (bias.empty()) return identity();
  return [row = row_of(bias, V, 0.0F)](const mx::array& logits, const mx::array&) {
    return ops::add_row(logits, row);
  };
}

LogitsStep mask_tokens(const std::vector<TokenId>& never, std::int64_t V) {
  std::map<TokenId, float> mask;
  for (const TokenId id : never) {
    want_id(id, V, "never");
    mask[id] = -kInf;
  }
  if (mask.empty()) return identity();
  return [row = row_of(mask, V, 0.0F)](const mx::array& logits, const mx::array&) {
    return ops::add_row(logits, row);
  };
}

LogitsStep repetition_penalty(float penalty) {
  want(penalty > 0 && penalty < kInf, "repetition_penalty", "a number above 0", penalty);
  if (penalty == 1.0F) return identity();
  return [penalty](const mx::array& logits, const mx::array& seen) {
    const mx::array p(penalty);
    const mx::array penalised =
        mx::where(mx::greater(logits, mx::array(0.0F)), logits / p, logits * p);
    return mx::where(mx::greater(seen, mx::array(0.0F)), penalised, logits);
  };
}

LogitsStep presence_penalty(float penalty) {
  want(std::isfinite(penalty), "presence_penalty", "a number", penalty);
  if (penalty == 0.0F) return identity();
  return [penalty](const mx::array& logits, const mx::array& seen) {
    return mx::where(mx::greater(seen, mx::array(0.0F)), logits - mx::array(penalty), logits);
  };
}

LogitsStep frequency_penalty(float penalty) {
  want(std::isfinite(penalty), "frequency_penalty", "a number", penalty);
  if (penalty == 0.0F) return identity();
  return [penalty](const mx::array& logits, const mx::array& seen) {
    return logits - seen * mx::array(penalty);
  };
}

LogitsStep temperature(float temperature) {
  want(temperature > 0 && temperature < kInf, "temperature", "a number above 0 here", temperature);
  if (temperature == 1.0F) return identity();
  return [temperature](const mx::array& logits, const mx::array&) {
    // From the largest down: however small the temperature, that one stays 0 and nothing overflows
    // upwards.
    return (logits - row_max(logits)) / mx::array(temperature);
  };
}

LogitsStep top_k(int k) {
  want(k >= 0, "top_k", "0 (off) or more", k);
  if (k == 0) return identity();
  return [k](const mx::array& logits, const mx::array&) {
    const int B = logits.shape(0), V = logits.shape(1);
    if (k >= V) return logits;
    const mx::array ascending = mx::partition(logits, V - k, -1);
    return keep_largest(logits, mx::slice(ascending, {0, V - k}, {B, V - k + 1}), mx::array(k));
  };
}

LogitsStep top_p(float p) {
  want(p > 0 && p <= 1, "top_p", "a number in (0, 1]", p);
  if (p == 1.0F) return identity();
  return [p](const mx::array& logits, const mx::array&) {
    const int V = logits.shape(1);
    const mx::array ascending = mx::sort(logits, -1);
    const mx::array weight = mx::exp(ascending - row_max(logits));  // 0 for masked tokens
    // Mass of a token and of all less likely ones. The token stays if those before it have less
    // than p, that is, if its tail exceeds 1 - p. Summing from the small end keeps float32's error
    // low.
    const mx::array tail = mx::cumsum(weight, -1) / mx::sum(weight, -1, true);
    const mx::array stays = mx::greater(tail, mx::array(1.0F - p));
    // The likeliest stays whatever rounding says.
    const mx::array count =
        mx::maximum(mx::sum(mx::astype(stays, mx::int32), -1, true), mx::array(1));
    const mx::array threshold = mx::take_along_axis(ascending, mx::array(V) - count, -1);
    return keep_largest(logits, threshold, count);
  };
}

LogitsStep min_p(float p) {
  want(p >= 0 && p <= 1, "min_p", "a number in [0, 1]", p);
  if (p == 0.0F) return identity();
  return [log_p = std::log(p)](const mx::array& logits, const mx::array&) {
    return masked_unless(mx::greater_equal(logits, row_max(logits) + mx::array(log_p)), logits);
  };
}

}  // namespace xlstm
