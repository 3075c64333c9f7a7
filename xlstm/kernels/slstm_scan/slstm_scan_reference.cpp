#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "xlstm/base/dtype.h"
#include "xlstm/kernels/gates/gates.h"
#include "xlstm/kernels/slstm_scan/slstm_scan.h"

namespace xlstm::kernels {
namespace {

// One head of one sequence.
struct Head {
  std::vector<double> y, c, n, m;  // [DH]

  Head(const SlstmRow& row, std::size_t at, std::size_t DH)
      : y(row.y + at, row.y + at + DH),
        c(row.c + at, row.c + at + DH),
        n(row.n + at, row.n + at + DH),
        m(row.m + at, row.m + at + DH) {}

  void step(const std::vector<double>& raw /*[4, DH]*/) {
    const std::size_t DH = y.size();
    for (std::size_t u = 0; u < DH; ++u) {
      const double i = raw[u], f = raw[DH + u], z = raw[2 * DH + u], o = raw[3 * DH + u];
      const bool fresh = n[u] == 0;
      const double l = log_sigmoid_reference(f) + m[u];
      m[u] = fresh ? i : std::max(i, l);
      const double I = std::exp(i - m[u]), F = fresh ? 0 : std::exp(l - m[u]);
      c[u] = F * c[u] + I * std::tanh(z);
      n[u] = std::max(F * n[u] + I, 1.0);
      y[u] = c[u] / (1 + std::exp(-o)) / n[u];
    }
  }

  void store(const SlstmRow& row, std::size_t at) const {
    const auto rounded = [](double x) { return static_cast<float>(x); };
    std::transform(y.begin(), y.end(), row.y + at, rounded);
    std::transform(c.begin(), c.end(), row.c + at, rounded);
    std::transform(n.begin(), n.end(), row.n + at, rounded);
    std::transform(m.begin(), m.end(), row.m + at, rounded);
  }
};

double element(const void* R, WeightType type, std::size_t at) {
  return type == WeightType::kF32 ? static_cast<const float*>(R)[at]
                                  : float_from_bf16(static_cast<const std::uint16_t*>(R)[at]);
}

}  // namespace

void slstm_scan_reference(const SlstmScanArgs& a, const SlstmScanTensors& t) {
  const std::size_t DH = a.DH, D = a.NH * a.DH;
  std::vector<double> raw(4 * DH);
  for (std::size_t at = 0; at < a.B * a.NH; ++at) {
    const SlstmRow& row = t.rows[at / a.NH];
    const std::size_t head = at % a.NH;
    Head cell(row, head * DH, DH);
    for (std::size_t token = row.first; token < row.first + row.tokens; ++token) {
      for (std::size_t j = 0; j < 4 * DH; ++j) {
        const std::size_t gate = j / DH, unit = j % DH;
        const float* const Wx = (gate < 2 ? t.gates_if : t.gates_zo) + (2 * token + gate % 2) * D;
        raw[j] = static_cast<double>(Wx[head * DH + unit]) + t.bias[head * 4 * DH + j];
        for (std::size_t d = 0; d < DH; ++d) {
          raw[j] += cell.y[d] * element(t.R, t.type, (head * DH + d) * 4 * DH + j);
        }
      }
      cell.step(raw);
      std::transform(cell.y.begin(), cell.y.end(), t.y + token * D + head * DH,
                     [](double x) { return static_cast<float>(x); });
    }
    cell.store(row, head * DH);
  }
}

}  // namespace xlstm::kernels
