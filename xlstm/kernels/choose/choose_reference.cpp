#include <cmath>

#include "xlstm/kernels/choose/choose.h"

namespace xlstm::kernels {

std::size_t argmax_reference(const float* logits, std::size_t V) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < V; ++i) {
    if (logits[i] > logits[best] || (std::isnan(logits[best]) && !std::isnan(logits[i]))) best = i;
  }
  return best;
}

std::size_t sample_categorical_reference(const float* logits, std::size_t V, double temperature,
                                         double u) {
  const double most = logits[argmax_reference(logits, V)];
  const auto weight_of = [&](float l) { return std::exp((l - most) / temperature); };
  double total = 0;
  for (std::size_t i = 0; i < V; ++i) total += weight_of(logits[i]);
  double before = 0;
  std::size_t last = 0;  // of the tokens that can be drawn: rounding may leave u * total behind all
  for (std::size_t i = 0; i < V; ++i) {
    const double weight = weight_of(logits[i]);
    if (weight == 0) continue;
    last = i;
    before += weight;
    if (before > u * total) break;
  }
  return last;
}

double log_sum_exp_reference(const float* logits, std::size_t V) {
  const double most = logits[argmax_reference(logits, V)];
  double total = 0;
  for (std::size_t i = 0; i < V; ++i) total += std::exp(logits[i] - most);
  return most + std::log(total);
}

}  // namespace xlstm::kernels
