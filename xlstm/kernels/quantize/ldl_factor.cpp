#include "xlstm/kernels/quantize/ldl_factor.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/quantize/add_product.h"

namespace xlstm::kernels {
namespace {

constexpr std::size_t kBlock = 64;  // columns that are factored at once
constexpr std::size_t kRows = 32;   // rows of a thread's part

// Cholesky's factorisation from the last column to the first, in blocks, above the diagonal.
class Factoring {
 public:
  Factoring(ThreadPool& pool, float* A, std::size_t K)
      : pool_(pool), A_(A), K_(K), panel_(kBlock * K) {}

  // False where a pivot is not positive: A is spoiled then.
  bool run() {
    const std::size_t blocks = ceil_div(K_, kBlock);
    for (std::size_t b = blocks; b-- > 0;) {
      const std::size_t first = b * kBlock, last = std::min(K_, first + kBlock);
      if (!factor_diagonal(first, last)) return false;
      if (first > 0) eliminate(first, last);
    }
    return true;
  }

 private:
  float* row(std::size_t i) { return A_ + i * K_; }

  // A[first:last, first:last] = R R^T
  bool factor_diagonal(std::size_t first, std::size_t last) {
    for (std::size_t j = last; j-- > first;) {
      double pivot = row(j)[j];
      for (std::size_t k = j + 1; k < last; ++k)
        pivot -= static_cast<double>(row(j)[k]) * row(j)[k];
      if (!(pivot > 0) || !std::isfinite(pivot)) return false;
      row(j)[j] = static_cast<float>(std::sqrt(pivot));
      for (std::size_t i = first; i < j; ++i) solve(i, j, last);
    }
    return true;
  }

  // R[i, j] from A[i, j], R[i, j + 1:last] and row j.
  void solve(std::size_t i, std::size_t j, std::size_t last) {
    const float* left = row(i);
    const float* right = row(j);
    float sum = left[j];
    for (std::size_t k = j + 1; k < last; ++k) sum -= left[k] * right[k];
    row(i)[j] = sum / right[j];
  }

  // The rows above the block, and what these take off the columns before it.
  void eliminate(std::size_t first, std::size_t last) {
    const std::size_t parts = ceil_div(first, kRows);
    pool_.parallel_for(parts, [&](std::size_t part) {
      for (std::size_t i = part * kRows; i < std::min(first, part * kRows + kRows); ++i) {
        for (std::size_t j = last; j-- > first;) solve(i, j, last);
        for (std::size_t k = first; k < last; ++k) panel_[(k - first) * K_ + i] = -row(i)[k];
      }
    });
    // Long and short ones in turn, as each thread gets a range of neighbours.
    pool_.parallel_for(parts, [&](std::size_t turn) {
      const std::size_t part = turn % 2 == 0 ? turn / 2 : parts - 1 - turn / 2;
      subtract(part * kRows, std::min(first, part * kRows + kRows), first, last);
    });
  }

  // Of rows [begin, end), what is above the diagonal and before column `first`.
  void subtract(std::size_t begin, std::size_t end, std::size_t first, std::size_t last) {
    const auto task = [&](std::size_t i, std::size_t rows, std::size_t from, std::size_t to) {
      add_product({row(i) + first, K_, panel_.data() + from, K_, row(i) + from, K_, rows,
                   last - first, to - from});
    };
    for (std::size_t i = begin; i < end; ++i) task(i, 1, i, end);
    task(begin, end - begin, end, first);
  }

  ThreadPool& pool_;
  float* A_;
  std::size_t K_;
  std::vector<float> panel_;  // [kBlock, K]: minus the columns of the block, transposed
};

double mean_of_diagonal(const std::vector<float>& moments, std::size_t K) {
  double sum = 0;
  for (std::size_t j = 0; j < K; ++j) sum += moments[j * K + j];
  return sum / static_cast<double>(K);
}

// Puts the part above the diagonal below it, and back, so that an attempt can be repeated.
void mirror(std::vector<float>& A, std::size_t K, bool up) {
  for (std::size_t i = 0; i < K; ++i) {
    for (std::size_t j = i + 1; j < K; ++j) {
      (up ? A[i * K + j] : A[j * K + i]) = up ? A[j * K + i] : A[i * K + j];
    }
  }
}

}  // namespace

LdlFactor factor_moments(ThreadPool& pool, std::vector<float> moments, std::size_t K) {
  assert(moments.size() == K * K);
  constexpr double kDamping = 0.01;
  std::vector<float> diagonal(K);
  for (std::size_t j = 0; j < K; ++j) diagonal[j] = moments[j * K + j];
  const double mean = mean_of_diagonal(moments, K);
  mirror(moments, K, false);
  for (double damping = kDamping;; damping *= 10) {
    for (std::size_t j = 0; j < K; ++j) {
      moments[j * K + j] = diagonal[j] + static_cast<float>(mean > 0 ? damping * mean : 1.0);
    }
    if (Factoring(pool, moments.data(), K).run()) break;
    mirror(moments, K, true);
  }
  LdlFactor out{K, std::move(moments), std::vector<float>(K)};
  for (std::size_t j = 0; j < K; ++j) diagonal[j] = out.U[j * K + j];
  pool.parallel_for(K, [&](std::size_t i) {
    for (std::size_t j = i + 1; j < K; ++j) out.U[i * K + j] /= diagonal[j];
  });
  for (std::size_t j = 0; j < K; ++j) out.D[j] = diagonal[j] * diagonal[j];
  return out;
}

}  // namespace xlstm::kernels
