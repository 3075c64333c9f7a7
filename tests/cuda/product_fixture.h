// What tests of products on a GPU share: numbers made up, sums in float64, and how far from them a
// kernel may be.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "xlstm/backend/backend.h"
#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/cuda/cuda_backend.h"
#include "xlstm/cuda/device.h"

namespace xlstm::cuda {

// W [N, K] with the numbers that it stands for, and for each the size that a kernel computes with:
// |w|, and what unpacking adds and takes away again (up to 256 + 2176 scales; of one row nothing).
struct Matrix {
  WeightTensor tensor;
  std::vector<float> values, sizes;
};

// Whether this machine has a GPU whose kernels these are.
inline bool has_gpu_of_9_0() {
  try {
    return has_gpu() && Device().capability() >= 90;
  } catch (const Error&) {
    return false;
  }
}

class ProductTest : public ::testing::Test {
 protected:
  ProductTest() : backend_(make_backend(DType::kBF16)), b(*backend_) {}

  std::vector<float> uniform(std::int64_t count, float range) {
    std::uniform_real_distribution<float> draw(-range, range);
    std::vector<float> out(static_cast<std::size_t>(count));
    for (float& x : out) x = float_from_bf16(bf16_from_float(draw(random_)));
    return out;
  }
  Tensor activations(const TensorShape& shape, const std::vector<float>& values) {
    return b.to_activation(b.floats(shape, values));
  }

  struct Truth {
    std::vector<double> y, bound;  // [M, N]
  };

  // x W^T, with what a kernel may be away from it: each of K products is exact, sums are rounded
  // (or cut) K times, and `x_error` is the relative error of each x.
  Truth product(const std::vector<float>& x, const Matrix& W, std::int64_t M, std::int64_t N,
                std::int64_t K, double x_error) {
    Truth out;
    for (std::int64_t m = 0; m < M; ++m) {
      for (std::int64_t n = 0; n < N; ++n) {
        double sum = 0, size = 0, plain = 0;
        for (std::int64_t k = 0; k < K; ++k) {
          const auto at = static_cast<std::size_t>(n * K + k);
          const double xk = x[static_cast<std::size_t>(m * K + k)];
          sum += xk * static_cast<double>(W.values[at]);
          size += std::abs(xk) * static_cast<double>(W.sizes[at]);
          plain += std::abs(xk * static_cast<double>(W.values[at]));
        }
        // Groups of up to 128 columns are summed apart, then with those of a warp, then of warps.
        const double roundings = 128 + static_cast<double>(K) / 32 + 8;
        out.y.push_back(sum);
        out.bound.push_back(0x1p-23 * roundings * size + x_error * plain);
      }
    }
    return out;
  }

  void expect_near(const Tensor& got, const std::vector<double>& y,
                   const std::vector<double>& bound) {
    const Tensor in_float32 = b.to_float32(got);
    const auto values = b.read_floats(in_float32);
    ASSERT_EQ(values.size(), y.size());
    for (std::size_t at = 0; at < y.size(); ++at) {
      ASSERT_NEAR(values[at], y[at], bound[at] + 0x1p-8 * std::abs(y[at])) << "at " << at;
    }
  }

  // x W^T (+ bias) + y, which stays as it is where somebody else holds it, and is written over
  // else.
  void expect_sum(const Tensor& x, const Dense& dense, const TensorShape& shape,
                  const std::vector<float>& y, const Truth& truth) {
    const Tensor kept = activations(shape, y);
    expect_near(b.linear_add(x, dense, kept), truth.y, truth.bound);
    expect_near(b.linear_add(x, dense, activations(shape, y)), truth.y, truth.bound);
    const std::vector<double> same(y.begin(), y.end());
    expect_near(kept, same, std::vector<double>(y.size()));
  }

  // Products of the normed x [M, K] with W and with gates, in one op and with the norm alone.
  void expect_normed_products(const std::vector<float>& x, const std::vector<float>& weight,
                              const std::vector<float>& gates, const Matrix& W, double x_error) {
    const auto rows = [&](const std::vector<float>& of) {
      return static_cast<std::int64_t>(of.size() / weight.size());
    };
    const std::int64_t M = rows(x), N = rows(W.values), N2 = rows(gates);
    const auto K = static_cast<std::int64_t>(weight.size());
    const auto in = normed(x, weight, M, K);
    const Norm norm = b.prepare(Norm{activations({K}, weight), {}});
    const Dense second = b.prepare(Dense{b.floats({N2, K}, gates), {}});
    const Truth truth = product(in, W, M, N, K, x_error);
    Matrix W2 = {Tensor(), gates, gates};
    for (float& size : W2.sizes) size = std::abs(size);
    const Truth of_gates = product(in, W2, M, N2, K, 0x1p-8);
    const Dense dense = b.prepare(Dense{W.tensor, {}});
    const auto [first, g] = b.mlstm_projections(activations({M, K}, x), norm, 1e-6F, dense, second);
    expect_near(first, truth.y, truth.bound);
    ASSERT_EQ(g.dtype(), DType::kF32);
    expect_near(g, of_gates.y, of_gates.bound);
    expect_near(b.norm_linear(activations({M, K}, x), norm, 1e-6F, dense), truth.y, truth.bound);
  }

  // SwiGLU of the normed x's product with W [2 F, K].
  void expect_swiglu(const std::vector<float>& x, const std::vector<float>& weight, const Matrix& W,
                     double x_error) {
    const auto K = static_cast<std::int64_t>(weight.size());
    const std::int64_t M = static_cast<std::int64_t>(x.size()) / K;
    const std::int64_t F = static_cast<std::int64_t>(W.values.size()) / K / 2;
    const Truth joined = swiglu_of(product(normed(x, weight, M, K), W, M, 2 * F, K, x_error), M, F);
    const Norm norm = b.prepare(Norm{activations({K}, weight), {}});
    expect_near(b.norm_swiglu(activations({M, K}, x), norm, 1e-6F, b.prepare(Dense{W.tensor, {}})),
                joined.y, joined.bound);
  }

  // What SwiGLU makes of a product [M, 2 F], of gate and up.
  static Truth swiglu_of(const Truth& product, std::int64_t M, std::int64_t F) {
    Truth out;
    for (std::int64_t m = 0; m < M; ++m) {
      for (std::int64_t f = 0; f < F; ++f) {
        const auto gate = static_cast<std::size_t>(m * 2 * F + f),
                   up = gate + static_cast<std::size_t>(F);
        const double sigmoid = 1 / (1 + std::exp(-product.y[gate]));
        const double silu = product.y[gate] * sigmoid;
        out.y.push_back(silu * product.y[up]);
        // SiLU's slope is at most 1.1.
        out.bound.push_back(1.1 * product.bound[gate] *
                                (std::abs(product.y[up]) + product.bound[up]) +
                            std::abs(silu) * product.bound[up]);
      }
    }
    return out;
  }

  // What a norm makes of rows of x, in float64.
  static std::vector<float> normed(const std::vector<float>& x, const std::vector<float>& weight,
                                   std::int64_t M, std::int64_t K) {
    std::vector<float> y(x.size());
    for (std::int64_t m = 0; m < M; ++m) {
      double squares = 0;
      for (std::int64_t k = 0; k < K; ++k) {
        squares += std::pow(static_cast<double>(x[static_cast<std::size_t>(m * K + k)]), 2);
      }
      const double r = 1 / std::sqrt(squares / static_cast<double>(K) + 1e-6);
      for (std::int64_t k = 0; k < K; ++k) {
        const auto at = static_cast<std::size_t>(m * K + k);
        y[at] = static_cast<float>(static_cast<double>(x[at]) * r *
                                   static_cast<double>(weight[static_cast<std::size_t>(k)]));
      }
    }
    return y;
  }

  std::mt19937 random_{1};
  std::shared_ptr<Backend> backend_;
  Backend& b;
};

}  // namespace xlstm::cuda
