// What a matrix's inputs say about its errors: an error d [K] of a row of weights becomes, over
// inputs x of moments H = mean of x x^T, an error d^T H d of the row's output.
#pragma once

#include <cstddef>
#include <vector>

#include "xlstm/base/thread_pool.h"

namespace xlstm::kernels {

// H = U diag(D) U^T with U unit upper triangular, so that d^T H d is the sum over j of
//   D[j] * (d[j] + sum over i < j of d[i] * U[i, j])^2
struct LdlFactor {
  std::size_t K = 0;
  std::vector<float> U;  // [K, K], what is above the diagonal
  std::vector<float> D;  // [K], > 0
};

// `moments` [K, K] of finite numbers, symmetric and positive semidefinite but for rounding; only
// what is above the diagonal and on it is read. A hundredth of the diagonal's mean is added to the
// diagonal (more where rounding asks for it). Runs on all threads, in place.
LdlFactor factor_moments(ThreadPool& pool, std::vector<float> moments, std::size_t K);

}  // namespace xlstm::kernels
