#include "xlstm/kernels/mlstm_step/mlstm_cell_reference.h"

#include <algorithm>
#include <cmath>

#include "xlstm/kernels/gates/gates.h"

namespace xlstm::kernels {

MlstmCellReference::MlstmCellReference(std::size_t dhqk, std::size_t dhv, const float* C0,
                                       const float* n0, float m0)
    : DHQK(dhqk), DHV(dhv), C(C0, C0 + dhqk * dhv), n(n0, n0 + dhqk), m(m0) {}

void MlstmCellReference::step(const float* q, const float* k, const float* v, double i, double f,
                              double eps, float* h) {
  const double lf = log_sigmoid_reference(f);
  const double m_next = std::max(lf + m, i);
  const double Fa = std::exp(lf + m - m_next);
  const double Ia = std::exp(i - m_next);
  const double scale = 1.0 / std::sqrt(static_cast<double>(DHQK));
  m = m_next;

  double dot = 0;  // q' . n'
  std::vector<double> numerator(DHV, 0.0);
  for (std::size_t r = 0; r < DHQK; ++r) {
    const double key = Ia * k[r];
    const double query = scale * q[r];
    n[r] = Fa * n[r] + key;
    dot += query * n[r];
    for (std::size_t j = 0; j < DHV; ++j) {
      double& c = C[r * DHV + j];
      c = Fa * c + key * v[j];
      numerator[j] += query * c;
    }
  }
  const double denominator = std::max(std::abs(dot), std::exp(-m)) + eps;
  for (std::size_t j = 0; j < DHV; ++j) h[j] = static_cast<float>(numerator[j] / denominator);
}

void MlstmCellReference::store(float* C_out, float* n_out, float* m_out) const {
  const auto rounded = [](double x) { return static_cast<float>(x); };
  std::transform(C.begin(), C.end(), C_out, rounded);
  std::transform(n.begin(), n.end(), n_out, rounded);
  *m_out = rounded(m);
}

}  // namespace xlstm::kernels
