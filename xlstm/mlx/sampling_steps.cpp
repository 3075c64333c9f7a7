// The steps of the sampling chain. Sorts cost milliseconds on a large vocabulary, so each step does
// the least that its definition needs.
#include <cmath>
#include <limits>

#include "xlstm/mlx/sampler.h"

namespace xlstm::mlx {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

LogitsStep identity() {
  return [](A logits, A) { return logits; };
}

// [1, V], 0 but for the values given.
mx::array row_of(const std::map<std::int32_t, float>& values, std::int64_t V) {
  std::vector<float> row(static_cast<std::size_t>(V), 0.0F);
  for (const auto& [id, value] : values) row[static_cast<std::size_t>(id)] = value;
  return mx::array(row.begin(), {1, static_cast<int>(V)});
}

LogitsStep add_row(mx::array row) {
  return [row = std::move(row)](A logits, A) { return logits + DeviceArray{row, logits.device}; };
}

// The largest logit of each row [B, 1]; finite even where every token is masked.
DeviceArray row_max(A logits) {
  const DeviceArray largest = {mx::max(logits.array, -1, true, logits.device), logits.device};
  return maximum(largest, std::numeric_limits<float>::lowest());
}

mx::array greater(A a, A b) {
  return mx::greater(a.array, b.array, a.device);
}

DeviceArray masked_unless(const mx::array& keep, A logits) {
  return where(keep, logits, {mx::array(-kInf), logits.device});
}

// Not by adding -inf, which would make NaN of +inf and leave NaN.
LogitsStep keep_where(const std::vector<bool>& may) {
  const mx::array row(may.begin(), {1, static_cast<int>(may.size())}, mx::bool_);
  return [row](A logits, A) { return masked_unless(row, logits); };
}

// 1 for each true element, summed along the row: [B, 1] int32.
mx::array count_true(const mx::array& condition, const mx::Device& device) {
  return mx::sum(mx::astype(condition, mx::int32, device), -1, true, device);
}

// Keeps `count` [B or 1, 1] int32 tokens of each row, where `threshold` [B, 1] is the count-th
// largest logit. Sorting values and counting equals, rather than sorting ids, makes ties go to the
// lower id on every device, stable sort or not.
DeviceArray keep_largest(A logits, A threshold, const mx::array& count) {
  const mx::Device& device = logits.device;
  const mx::array above = greater(logits, threshold);
  const mx::array equal = mx::equal(logits.array, threshold.array, device);
  const mx::array places = mx::subtract(count, count_true(above, device), device);
  const mx::array rank =  // 1 for the first equal
      mx::cumsum(mx::astype(equal, mx::int32, device), -1, false, true, device);
  const mx::array kept = mx::logical_and(equal, mx::less_equal(rank, places, device), device);
  return masked_unless(mx::logical_or(above, kept, device), logits);
}

}  // namespace

LogitsStep add_logit_bias(const std::map<std::int32_t, float>& bias, std::int64_t V) {
  return bias.empty() ? identity() : add_row(row_of(bias, V));
}

LogitsStep mask_tokens(std::span<const std::int32_t> never, std::int64_t V) {
  if (never.empty()) return identity();
  std::vector<bool> may(static_cast<std::size_t>(V), true);
  for (const std::int32_t id : never) may[static_cast<std::size_t>(id)] = false;
  return keep_where(may);
}

LogitsStep allow_tokens(AllowedIds allowed, std::int64_t V) {
  std::vector<bool> may(static_cast<std::size_t>(V));
  for (std::size_t id = 0; id < may.size(); ++id)
    may[id] = (allowed[id / 64] >> (id % 64) & 1) != 0;
  return keep_where(may);
}

LogitsStep repetition_penalty(float penalty) {
  if (penalty == 1.0F) return identity();
  return [penalty](A logits, A seen) {
    const DeviceArray zero = {mx::array(0.0F), logits.device};
    const DeviceArray penalised = where(greater(logits, zero), logits / penalty, logits * penalty);
    return where(greater(seen, zero), penalised, logits);
  };
}

LogitsStep presence_penalty(float penalty) {
  if (penalty == 0.0F) return identity();
  return [penalty](A logits, A seen) {
    const DeviceArray zero = {mx::array(0.0F), logits.device};
    return where(greater(seen, zero), logits + -penalty, logits);
  };
}

LogitsStep frequency_penalty(float penalty) {
  if (penalty == 0.0F) return identity();
  return [penalty](A logits, A seen) { return logits - seen * penalty; };
}

LogitsStep temperature(float temperature) {
  if (temperature == 1.0F) return identity();
  // From the largest down: however small the temperature, that one stays 0 and nothing overflows
  // upwards.
  return [temperature](A logits, A) { return (logits - row_max(logits)) / temperature; };
}

LogitsStep top_k(int k) {
  if (k == 0) return identity();
  return [k](A logits, A) {
    const int V = logits.axis(1);
    if (k >= V) return logits;
    const DeviceArray ascending = {mx::partition(logits.array, V - k, -1, logits.device),
                                   logits.device};
    return keep_largest(logits, part(ascending, 1, V - k, V - k + 1), mx::array(k));
  };
}

LogitsStep top_p(float p) {
  if (p == 1.0F) return identity();
  return [p](A logits, A) {
    const mx::Device& device = logits.device;
    const int V = logits.axis(1);
    const DeviceArray ascending = {mx::sort(logits.array, -1, device), device};
    const DeviceArray weight = exp(ascending - row_max(logits));  // 0 for masked tokens
    // Mass of a token and of all less likely ones. The token stays if those before it have less
    // than p, that is, if its tail exceeds 1 - p. Summing from the small end keeps float32's error
    // low.
    const DeviceArray tails = {mx::cumsum(weight.array, -1, false, true, device), device};
    const mx::array stays = greater(tails / sum(weight, -1, true), {mx::array(1.0F - p), device});
    // The likeliest stays whatever rounding says.
    const mx::array count = mx::maximum(count_true(stays, device), mx::array(1), device);
    const DeviceArray threshold = {
        mx::take_along_axis(ascending.array, mx::subtract(mx::array(V), count, device), -1, device),
        device};
    return keep_largest(logits, threshold, count);
  };
}

LogitsStep min_p(float p) {
  if (p == 0.0F) return identity();
  return [log_p = std::log(p)](A logits, A) {
    const DeviceArray least = row_max(logits) + log_p;
    return masked_unless(mx::greater_equal(logits.array, least.array, logits.device), logits);
  };
}

}  // namespace xlstm::mlx
