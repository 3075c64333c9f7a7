#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "xlstm/kernels/cuts/cuts.h"

namespace xlstm::kernels {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

// Largest first, without -inf.
std::vector<float> in_order(const float* logits, std::size_t V) {
  std::vector<float> sorted;
  std::copy_if(logits, logits + V, std::back_inserter(sorted), [](float l) { return l > kLowest; });
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  return sorted;
}

// Behind the first `count` of them.
Cut cut_behind(const std::vector<float>& sorted, std::size_t count) {
  const float least = sorted[count - 1];
  const auto of_equals = std::equal_range(sorted.begin(), sorted.end(), least, std::greater<>());
  const auto before = static_cast<std::size_t>(of_equals.first - sorted.begin());
  const auto all = static_cast<std::size_t>(of_equals.second - of_equals.first);
  return {least, count - before, all - (count - before)};
}

}  // namespace

float block_maxima_reference(const float* logits, std::size_t V, float* maxima) {
  float most = kLowest;
  bool has_nan = false;
  for (std::size_t i = 0; i < V; ++i) {
    float& own = maxima[i / kMaximaBlock];
    if (i % kMaximaBlock == 0) own = kLowest;
    if (logits[i] > own) own = logits[i];
    if (own > most) most = own;
    has_nan = has_nan || std::isnan(logits[i]);
  }
  return has_nan ? std::numeric_limits<float>::quiet_NaN() : most;
}

std::size_t collect_reference(const float* logits, std::size_t V, float least, float* values,
                              std::int32_t* ids) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < V; ++i) {
    if (!(logits[i] >= least) || logits[i] == kLowest) continue;
    values[count] = logits[i];
    ids[count++] = static_cast<std::int32_t>(i);
  }
  return count;
}

void keep_allowed_reference(const float* logits, std::size_t V, const std::uint64_t* allowed,
                            float* to) {
  for (std::size_t i = 0; i < V; ++i) {
    to[i] = (allowed[i / 64] >> (i % 64) & 1) != 0 ? logits[i] : kLowest;
  }
}

Cut cut_at_count_reference(const float* logits, std::size_t V, std::size_t k) {
  const std::vector<float> sorted = in_order(logits, V);
  return cut_behind(sorted, std::min(k, sorted.size()));
}

Cut cut_at_mass_reference(const float* logits, std::size_t V, double temperature, double p) {
  const std::vector<float> sorted = in_order(logits, V);
  const auto weight = [&](float l) {
    return std::exp((static_cast<double>(l) - static_cast<double>(sorted.front())) / temperature);
  };
  double total = 0;
  for (const float l : sorted) total += weight(l);
  double mass = 0;
  std::size_t count = 0;
  while (count < sorted.size() && (count == 0 || mass < p * total)) mass += weight(sorted[count++]);
  return cut_behind(sorted, count);
}

}  // namespace xlstm::kernels
