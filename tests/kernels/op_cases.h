// What the cases of all ops share: random data, outputs with guards around them, error bounds, and
// a walk over the classes of kernels that this machine can run.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "xlstm/base/thread_pool.h"
#include "xlstm/kernels/simd/dispatch.h"
#include "xlstm/kernels/simd/simd.h"

namespace xlstm::testing {

// For tests to which the number of threads does not matter.
inline ThreadPool& test_pool() {
  static ThreadPool pool;
  return pool;
}

// A kernel with its pool, to be called as its reference is.
template <class Kernel>
auto on(ThreadPool& pool, Kernel kernel) {
  return [&pool, kernel](const auto&... arguments) { return kernel(pool, arguments...); };
}

inline constexpr double kUnitRoundoff = 0x1p-24;  // of float32, rounding to nearest

// Of long lists of cases an emulated processor tries one in so many, a number that is a divisor of
// no list's length and so comes by every value of every size.
inline const std::size_t kCaseStep = std::getenv("XLSTM_EMULATED") == nullptr ? 1 : 11;

inline std::vector<float> uniform_floats(std::size_t count, float range, std::mt19937_64& random) {
  std::uniform_real_distribution<float> draw(-range, range);
  std::vector<float> out(count);
  for (float& value : out) value = draw(random);
  return out;
}

// Whole numbers from -most to most.
inline std::vector<float> whole_floats(std::size_t count, int most, std::mt19937_64& random) {
  std::uniform_int_distribution<int> draw(-most, most);
  std::vector<float> out(count);
  for (float& value : out) value = static_cast<float>(draw(random));
  return out;
}

// Bound on the error of a float32 sum of K products and one more term, of which `magnitudes` is the
// sum of the absolute values, against the exact sum rounded to float32. Derivation: in any order of
// summation a product is rounded at most once (not at all where it is fused) and takes part in at
// most K additions, so every term carries at most K + 1 factors (1 + d), |d| <= u; the truth's own
// rounding is one more. (1 + u)^(K + 2) - 1 <= (K + 3) u for all K here. Results below the normal
// range round to within 2^-150 an operation.
inline double dot_bound(std::size_t K, double magnitudes) {
  const auto roundings = static_cast<double>(K + 3);
  return roundings * (kUnitRoundoff * magnitudes + 0x1p-150);
}

// What rounding x to bfloat16 adds: at most 2^-8 of each product. Numbers below 2^-126 count as 0
// there, x and W among them: with both below 2^64 that is less than 2^-62 a product.
inline double bf16_dot_bound(std::size_t K, double magnitudes) {
  return dot_bound(K, magnitudes) * (1 + 0x1p-8) + 0x1p-8 * magnitudes +
         static_cast<double>(K) * 0x1p-61;
}

// Outputs of `rows` rows that lie `stride` floats apart, `offset` floats behind an aligned address,
// with guards before, behind and between.
class GuardedRows {
 public:
  GuardedRows(std::size_t rows, std::size_t width, std::size_t stride, std::size_t offset)
      : rows_(rows), width_(width), stride_(stride), offset_(kMargin + offset) {
    memory_.assign(offset_ + rows * stride + kMargin, kGuard);
  }
  float* data() { return memory_.data() + offset_; }
  float at(std::size_t row, std::size_t column) const {
    return memory_[offset_ + row * stride_ + column];
  }
  std::vector<float> values() const {
    std::vector<float> out;
    for (std::size_t row = 0; row < rows_; ++row) {
      for (std::size_t column = 0; column < width_; ++column) out.push_back(at(row, column));
    }
    return out;
  }
  bool intact() const {
    for (std::size_t at = 0; at < memory_.size(); ++at) {
      const bool before = at < offset_;
      const std::size_t inside = before ? 0 : at - offset_;
      const bool output = !before && inside / stride_ < rows_ && inside % stride_ < width_;
      if (!output && memory_[at] != kGuard) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t kMargin = 64;
  static constexpr float kGuard = -7.40625e9F;  // beyond every output
  std::size_t rows_, width_, stride_, offset_;
  std::vector<float> memory_;
};

// Calls check(name) with kernels limited to each class of instructions in turn (kernels/simd).
template <class Check>
void for_each_simd_class(const Check& check) {
  for (const std::string_view name : kernels::simd_classes()) {
    kernels::limit_simd(name);
    check(std::string(name).c_str());
  }
  kernels::limit_simd("");
}

// The same, but one class only of those that differ in nothing that most kernels are built for.
template <class Check>
void for_each_simd_target(const Check& check) {
  std::set<std::size_t> tried;
  for_each_simd_class([&](const char* name) {
    if (tried.insert(kernels::simd_target().GetIndex()).second) check(name);
  });
}

}  // namespace xlstm::testing
