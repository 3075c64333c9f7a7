#include "xlstm/kernels/row_attention/row_attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/op_cases.h"

namespace xlstm::testing {
namespace {

struct AttentionShape {
  std::size_t S, NA, DA;
  std::vector<std::size_t> targets, covariates;  // of each group
};

std::vector<AttentionShape> attention_shapes() {
  std::vector<AttentionShape> out = {{3, 4, 128, {1, 2}, {2, 0}},
                                     {1, 1, 1, {1}, {0}},
                                     {2, 3, 16, {2, 1, 5}, {1, 40, 0}},
                                     {70, 2, 24, {1}, {1}}};
  for (std::size_t width = 1; width <= 33; ++width) out.push_back({2, 2, width, {1, 3}, {2, 1}});
  return out;
}

// Rows of groups, dealt in turns so that those of a group lie apart.
std::vector<std::vector<std::int32_t>> rows_of(const AttentionShape& s) {
  std::vector<std::vector<std::int32_t>> out(s.targets.size());
  std::int32_t row = 0;
  for (bool more = true; more;) {
    more = false;
    for (std::size_t group = 0; group < out.size(); ++group) {
      if (out[group].size() == s.targets[group] + s.covariates[group]) continue;
      out[group].push_back(row++);
      more = true;
    }
  }
  return out;
}

struct AttentionCase {
  explicit AttentionCase(const AttentionShape& s, float range) : shape(s), rows(rows_of(s)) {
    std::size_t R = 0;
    for (std::size_t group = 0; group < rows.size(); ++group) {
      groups.push_back({rows[group], s.targets[group]});
      R += rows[group].size();
    }
    std::mt19937_64 random(R * 1009 + s.DA);
    qkv = uniform_floats(R * s.S * 3 * s.NA * s.DA, range, random);
  }

  std::vector<float> run(std::optional<float> eps, ThreadPool* pool) const {
    std::vector<float> y(qkv.size() / 3, std::nanf(""));
    const kernels::RowAttentionArgs args = {qkv.data(), y.data(), shape.S, shape.NA, shape.DA, eps};
    pool == nullptr ? kernels::row_attention_reference(args, groups)
                    : kernels::row_attention(*pool, args, groups);
    return y;
  }

  AttentionShape shape;
  std::vector<std::vector<std::int32_t>> rows;
  std::vector<kernels::RowGroup> groups;
  std::vector<float> qkv;
};

// Bound: u = 2^-24. A score is a sum of DA products, of normed heads at most DA / sqrt(DA) in all
// (Cauchy), and without norms DA range^2 / sqrt(DA): it errs by u (DA + 8) of that, two scales of
// (DA + 4) u / 2 each included. The exponential carries twice as much into each weight, with 4 u of
// its own, and the sums over n rows, of values up to `range`, 2 (n + 2) u.
TEST(RowAttentionKernel, EverySimdTargetKeepsItsBoundWithAndWithoutNorms) {
  for_each_simd_target([](const char* target) {
    for (const AttentionShape& s : attention_shapes()) {
      for (const float range : {1.0F, 3.0F}) {
        const AttentionCase c(s, range);
        for (const std::optional<float> eps : {std::optional<float>(), {0x1p-23F}}) {
          const auto DA = static_cast<double>(s.DA), n = static_cast<double>(c.qkv.size());
          const double score = std::sqrt(DA) * (eps ? 1 : range * range);
          const double rows = std::min(n, 64.0);
          const double bound =
              kUnitRoundoff * range * (2 * score * (2 * DA + 12) + 4 + 2 * (rows + 2));
          const std::vector<float> truth = c.run(eps, nullptr), got = c.run(eps, &test_pool());
          for (std::size_t at = 0; at < truth.size(); ++at) {
            ASSERT_NEAR(got[at], truth[at], bound)
                << target << ", width " << s.DA << ", norm " << eps.has_value() << " at " << at;
          }
        }
      }
    }
  });
}

TEST(RowAttentionKernel, CovariatesDoNotSeeTargetsAndGroupsDoNotSeeEachOther) {
  AttentionCase c({2, 2, 8, {2, 1}, {2, 1}}, 1);
  const std::vector<float> before = c.run({}, &test_pool());
  const std::size_t row_width = 2 * 2 * 8;
  const auto changed = [&](std::int32_t row) {
    const auto begin = static_cast<std::size_t>(row) * row_width;
    AttentionCase other = c;
    for (std::size_t group = 0; group < other.groups.size(); ++group) {
      other.groups[group].rows = other.rows[group];
    }
    for (std::size_t at = 3 * begin; at < 3 * (begin + row_width); ++at) other.qkv[at] += 1;
    const std::vector<float> after = other.run({}, &test_pool());
    std::vector<std::int32_t> out;
    for (std::size_t r = 0; r < before.size() / row_width; ++r) {
      const auto from = static_cast<std::ptrdiff_t>(r * row_width);
      if (!std::equal(before.begin() + from, before.begin() + from + row_width,
                      after.begin() + from)) {
        out.push_back(static_cast<std::int32_t>(r));
      }
    }
    return out;
  };
  const std::vector<std::int32_t>&first = c.rows[0], &second = c.rows[1];
  const auto sorted = [](std::vector<std::int32_t> rows) {
    std::ranges::sort(rows);
    return rows;
  };
  EXPECT_EQ(changed(first[0]), sorted({first[0], first[1]}));  // a target: the targets
  EXPECT_EQ(changed(first[2]), sorted(first));                 // a covariate: all of the group
  EXPECT_EQ(changed(second[0]), sorted({second[0]}));
}

TEST(RowAttentionKernel, EveryNumberOfThreadsGivesTheSameBits) {
  const AttentionCase c({50, 4, 32, {2, 1}, {2, 3}}, 2);
  ThreadPool one(1);
  const std::vector<float> truth = c.run(0x1p-23F, &one);
  for (const std::size_t threads : {2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(c.run(0x1p-23F, &pool), truth) << threads;
  }
}

}  // namespace
}  // namespace xlstm::testing
