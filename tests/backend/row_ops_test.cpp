// The ops between the rows of series, of every backend.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "tests/backend/op_test.h"
#include "tests/backend/random_values.h"
#include "xlstm/base/error.h"
#include "xlstm/kernels/row_attention/row_attention.h"

namespace xlstm::testing {
namespace {

class RowOps : public OpTest {};

INSTANTIATE_TEST_SUITE_P(Backends, RowOps, ::testing::ValuesIn(all_backends()), backend_name);

TEST_P(RowOps, ReversedTokensLieTheOtherWayRoundInEachSequence) {
  std::vector<float> x = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const Tensor in = activations({6, 2}, x);
  EXPECT_EQ(values_of(b, b.reverse_tokens(in, 2)),
            (std::vector<float>{5, 6, 3, 4, 1, 2, 11, 12, 9, 10, 7, 8}));
  EXPECT_EQ(values_of(b, b.reverse_tokens(in, 6)), x);
  EXPECT_EQ(values_of(b, b.reverse_tokens(b.reverse_tokens(in, 1), 1)), x);
}

TEST_P(RowOps, RowAttentionAgreesWithTheReference) {
  // Two targets and two covariates, a target alone, a target with one covariate: all mixed up.
  const std::vector<std::int32_t> group = {2, 0, 0, 1, 2, 0, 0};
  const std::vector<std::uint8_t> is_target = {0, 1, 0, 1, 1, 1, 0};
  const std::vector<std::vector<std::int32_t>> rows = {{1, 5, 2, 6}, {3}, {4, 0}};
  const std::vector<kernels::RowGroup> groups = {{rows[0], 2}, {rows[1], 1}, {rows[2], 1}};
  for (const auto& [S, NA, DA] : {std::array<std::int64_t, 3>{1, 1, 1}, {3, 2, 16}, {5, 4, 33}}) {
    for (const std::optional<float> eps : {std::optional<float>(), {0x1p-23F}}) {
      const std::int64_t R = std::ssize(group), D = NA * DA;
      auto x = uniform(R * S * 3 * D, 2, 7);
      const Tensor qkv = activations({R * S, 3 * D}, x);
      std::vector<float> truth(x.size() / 3);
      const auto size = [](std::int64_t n) { return static_cast<std::size_t>(n); };
      kernels::row_attention_reference({x.data(), truth.data(), size(S), size(NA), size(DA), eps},
                                       groups);
      const auto got = values_of(b, b.row_attention(qkv, {NA, eps, group, is_target}));
      ASSERT_EQ(got.size(), truth.size());
      // As for the kernel (kernels/row_attention_test.cpp), u = 2^-24: scores of up to
      // sqrt(DA) * 4, values of up to 2; the result is rounded once.
      const auto width = static_cast<double>(DA);
      const double bound = 0x1p-24 * 2 * (2 * std::sqrt(width) * 4 * (2 * width + 12) + 16) +
                           (GetParam().is_float32() ? 0 : 2 * 0x1p-9);
      for (std::size_t at = 0; at < truth.size(); ++at) {
        ASSERT_NEAR(got[at], truth[at], bound) << S << " x " << NA << " x " << DA << " at " << at;
      }
    }
  }
}

// Series that are forecast together must not spoil each other, nor targets their covariates.
TEST_P(RowOps, WhatIsNoNumberStaysWithTheRowsThatSeeIt) {
  const std::vector<std::int32_t> group = {2, 0, 0, 1, 2, 0, 0};
  const std::vector<std::uint8_t> is_target = {0, 1, 0, 1, 1, 1, 0};
  const auto sees = [&](std::size_t row, std::size_t other) {
    return group[row] == group[other] && (is_target[row] != 0 || is_target[other] == 0);
  };
  const std::int64_t R = std::ssize(group), S = 3, D = 32;
  const auto size = static_cast<std::size_t>(S * D);
  const auto run = [&](std::vector<float> x) {
    const Tensor qkv = activations({R * S, 3 * D}, x);
    return values_of(b, b.row_attention(qkv, {2, 0x1p-23F, group, is_target}));
  };
  const std::vector<float> plain = uniform(R * S * 3 * D, 2, 7);
  const std::vector<float> wanted = run(plain);
  for (std::size_t bad = 0; bad < group.size(); ++bad) {
    for (const float value : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
      std::vector<float> x = plain;
      std::fill_n(x.begin() + static_cast<std::ptrdiff_t>(3 * bad * size), 3 * size, value);
      const std::vector<float> got = run(x);
      for (std::size_t at = 0; at < got.size(); ++at) {
        const std::size_t row = at / size;
        SCOPED_TRACE(::testing::Message() << "row " << row << " beside " << bad << ", " << value);
        if (sees(row, bad)) {
          ASSERT_TRUE(std::isnan(got[at]));
        } else {
          ASSERT_EQ(got[at], wanted[at]);
        }
      }
    }
  }
}

TEST_P(RowOps, RowAttentionRefusesWhatDoesNotFit) {
  const Tensor qkv = b.to_activation(b.filled({6, 12}, 1));
  const auto refused = [&](const RowAttentionSpec& spec) {
    try {
      b.row_attention(qkv, spec);
      return false;
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kInternal;
    }
  };
  EXPECT_FALSE(refused({2, {}, {0, 0, 1}, {1, 1, 1}}));
  EXPECT_TRUE(refused({2, {}, {0, 0, 1, 1}, {1, 1, 1, 1}}));  // 6 tokens are not those of 4 rows
  EXPECT_TRUE(refused({3, {}, {0, 0, 1}, {1, 1, 1}}));        // 4 columns are not those of 3 heads
  EXPECT_TRUE(refused({2, {}, {0, 0, 1}, {1, 1}}));
  EXPECT_TRUE(refused({2, {}, {0, 0, 3}, {1, 1, 1}}));
}

}  // namespace
}  // namespace xlstm::testing
