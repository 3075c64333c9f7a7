#include <algorithm>
#include <cmath>
#include <vector>

#include "xlstm/kernels/row_attention/row_attention.h"

namespace xlstm::kernels {
namespace {

// One head of one token of one row.
std::vector<double> head_of(const RowAttentionArgs& a, std::int32_t row, std::size_t token,
                            std::size_t part, std::size_t head) {
  const std::size_t D = a.NA * a.DA;
  const float* const from =
      a.qkv + ((static_cast<std::size_t>(row) * a.S + token) * 3 + part) * D + head * a.DA;
  return {from, from + a.DA};
}

double dot(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

std::vector<double> normed(std::vector<double> x, std::optional<float> eps) {
  if (!eps) return x;
  const double norm = std::sqrt(dot(x, x) / static_cast<double>(x.size()) + *eps);
  for (double& value : x) value /= norm;
  return x;
}

void attend(const RowAttentionArgs& a, const RowGroup& group, std::size_t at, std::size_t token,
            std::size_t head) {
  const std::size_t first = at < group.targets ? 0 : group.targets;
  const auto q = normed(head_of(a, group.rows[at], token, 0, head), a.norm_eps);
  std::vector<double> scores;
  for (std::size_t s = first; s < group.rows.size(); ++s) {
    const auto k = normed(head_of(a, group.rows[s], token, 1, head), a.norm_eps);
    scores.push_back(dot(q, k) / std::sqrt(static_cast<double>(a.DA)));
  }
  const double most = *std::ranges::max_element(scores);
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - most);
  std::vector<double> y(a.DA, 0.0);
  for (std::size_t s = 0; s < scores.size(); ++s) {
    const auto v = head_of(a, group.rows[first + s], token, 2, head);
    for (std::size_t j = 0; j < a.DA; ++j) y[j] += scores[s] / sum * v[j];
  }
  const auto row = static_cast<std::size_t>(group.rows[at]);
  float* const to = a.y + ((row * a.S + token) * a.NA + head) * a.DA;
  std::ranges::transform(y, to, [](double value) { return static_cast<float>(value); });
}

}  // namespace

void row_attention_reference(const RowAttentionArgs& args, std::span<const RowGroup> groups) {
  for (const RowGroup& group : groups) {
    for (std::size_t at = 0; at < group.rows.size(); ++at) {
      for (std::size_t token = 0; token < args.S; ++token) {
        for (std::size_t head = 0; head < args.NA; ++head) attend(args, group, at, token, head);
      }
    }
  }
}

}  // namespace xlstm::kernels
