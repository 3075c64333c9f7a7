// The mLSTM recurrence of one head in float64, shared by the references of step and chunk.
#pragma once

#include <cstddef>
#include <vector>

namespace xlstm::kernels {

// State of one head.
struct MlstmCellReference {
  std::size_t DHQK, DHV;
  std::vector<double> C;  // [DHQK, DHV]
  std::vector<double> n;  // [DHQK]
  double m;

  MlstmCellReference(std::size_t dhqk, std::size_t dhv, const float* C0, const float* n0, float m0);
  // q, k: [DHQK]; v, h: [DHV]; i, f: capped pre-activations.
  void step(const float* q, const float* k, const float* v, double i, double f, double eps,
            float* h);
  void store(float* C_out, float* n_out, float* m_out) const;
};

}  // namespace xlstm::kernels
