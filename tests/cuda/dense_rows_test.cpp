// Products of 2 to 16 rows with bfloat16 weights on a GPU against sums in float64; none where there
// is no GPU of compute capability 9.0 or newer.
#include "xlstm/cuda/dense_rows.h"

#include <array>
#include <utility>

#include "tests/cuda/product_fixture.h"
#include "xlstm/base/error.h"

namespace xlstm::cuda {
namespace {

std::vector<std::int64_t> row_counts() {
  if (!has_gpu_of_9_0()) return {};
  return {2, 5, 8, 9, 16};
}

class DenseRowsOf : public ProductTest, public ::testing::WithParamInterface<std::int64_t> {
 protected:
  Matrix matrix(std::int64_t N, std::int64_t K) {
    Matrix out;
    out.values = uniform(N * K, 1);
    for (const float value : out.values) out.sizes.push_back(std::abs(value));
    out.tensor = activations({N, K}, out.values);
    return out;
  }
  bool fits(std::int64_t K) {
    Workspace work;
    return DenseRows(work).plan(GetParam(), K).has_value();
  }
};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DenseRowsOf);
INSTANTIATE_TEST_SUITE_P(Rows, DenseRowsOf, ::testing::ValuesIn(row_counts()),
                         ::testing::PrintToStringParamName());

// Matrices large enough that the kernel is chosen: every kernel there is; ends of
// units, of steps of 256 columns and of lanes' eights; more units than multiprocessors, and more
// stages than the ring has.
TEST_P(DenseRowsOf, ProductIsTheSum) {
  const std::int64_t M = GetParam();
  for (const auto& [N, K] : {std::pair<std::int64_t, std::int64_t>{32770, 128},
                             {4200, 1024},
                             {2050, 2048},
                             {2048, 2056},
                             {1061, 4096},
                             {1032, 4112},
                             {800, 5472},
                             {800, 5632},
                             {520, 8192},
                             {400, 10944},
                             {401, 11520}}) {
    SCOPED_TRACE(str(N, " ", K));
    ASSERT_EQ(fits(K), K <= (M <= 8 ? 11520 : 5632));
    if (!fits(K)) continue;  // the library's
    const auto x = uniform(M * K, 1), y = uniform(M * N, 4), bias = uniform(N, 1);
    const Matrix W = matrix(N, K);
    Truth truth = product(x, W, M, N, K, 0);
    for (std::size_t at = 0; at < truth.y.size(); ++at) {
      truth.y[at] +=
          static_cast<double>(y[at]) + static_cast<double>(bias[at % static_cast<std::size_t>(N)]);
    }
    const Dense dense = b.prepare(Dense{W.tensor, activations({N}, bias)});
    expect_sum(activations({M, K}, x), dense, {M, N}, y, truth);
  }
}

TEST_P(DenseRowsOf, RowsDoNotTouchEachOther) {
  const std::int64_t M = GetParam(), N = 1100, K = 4096;
  auto x = uniform(M * K, 1);
  const Matrix W = matrix(N, K);
  const Dense dense = b.prepare(Dense{W.tensor, {}});
  const Tensor before = b.to_float32(b.linear(activations({M, K}, x), dense));
  for (std::int64_t k = 0; k < K; ++k) x[static_cast<std::size_t>(k)] = std::nanf("");
  const Tensor after = b.to_float32(b.linear(activations({M, K}, x), dense));
  const auto old = b.read_floats(before), now = b.read_floats(after);
  for (std::size_t at = 0; at < old.size(); ++at) {
    if (at < static_cast<std::size_t>(N)) {
      ASSERT_TRUE(std::isnan(now[at])) << at;
    } else {
      ASSERT_EQ(now[at], old[at]) << at;
    }
  }
}

TEST_P(DenseRowsOf, NormComesBeforeProductAndGates) {
  const std::int64_t M = GetParam(), N = 1700, K = 2560, N2 = 6;
  const auto x = uniform(M * K, 3), weight = uniform(K, 2), gates = uniform(N2 * K, 1);
  // The normed x is rounded to bfloat16.
  expect_normed_products(x, weight, gates, matrix(N, K), 0x1p-8);
}

TEST_P(DenseRowsOf, SwigluJoinsTheHalves) {
  const std::int64_t M = GetParam();
  for (const auto& [F, K] :
       {std::pair<std::int64_t, std::int64_t>{8200, 256}, {1030, 2112}, {531, 4096}}) {
    SCOPED_TRACE(str(F, " ", K));
    const auto x = uniform(M * K, 1), weight = uniform(K, 0.25F);
    expect_swiglu(x, weight, matrix(2 * F, K), 0x1p-8);
  }
}

}  // namespace
}  // namespace xlstm::cuda
