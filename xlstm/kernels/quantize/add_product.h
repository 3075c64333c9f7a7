// C += A B for small A: what both factoring and compensation spend their time on.
#pragma once

#include <cstddef>

namespace xlstm::kernels {

// A [M, K] with rows `lda` apart, B [K, N] with rows `ldb` apart, C [M, N] with rows `ldc` apart;
// C overlaps neither. Runs on the calling thread.
struct ProductTask {
  const float* A;
  std::size_t lda;
  const float* B;
  std::size_t ldb;
  float* C;
  std::size_t ldc;
  std::size_t M, K, N;
};

void add_product(const ProductTask& task);

}  // namespace xlstm::kernels
