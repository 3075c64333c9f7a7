#include "xlstm/kernels/mlstm_chunk/mlstm_chunk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/kernels/mlstm_cases.h"
#include "tests/kernels/op_cases.h"

namespace xlstm::testing {
namespace {

MlstmResult run_simd(const MlstmCase& c, const MlstmData& in, ThreadPool& pool = test_pool()) {
  MlstmResult out{empty_result(c).h, in.C, in.n, in.m};
  const auto states = state_rows(c, out.C.data(), out.n.data(), out.m.data());
  kernels::mlstm_chunk(pool, {c.B, c.S, c.NH, c.DHQK, c.DHV, 1e-6F},
                       {in.q.data(), in.k.data(), in.v.data(), in.i.data(), in.f.data(),
                        states.data(), out.h.data()});
  return out;
}

void expect_same(const MlstmResult& got, const MlstmResult& wanted, const std::string& what) {
  EXPECT_EQ(got.h, wanted.h) << what;
  EXPECT_EQ(got.C, wanted.C) << what;
  EXPECT_EQ(got.n, wanted.n) << what;
  EXPECT_EQ(got.m, wanted.m) << what;
}

TEST(MlstmChunk, EverySimdTargetAgreesWithTheRecurrence) {
  for (const MlstmCase& c : mlstm_chunk_cases()) {
    const MlstmData in = make_data(c);
    const MlstmResult truth = reference(c, in);
    const MlstmResult bound = bounds(c, in, truth);
    for_each_simd_target([&](const char* target) {
      EXPECT_EQ(compare(run_simd(c, in), truth, bound), "") << c.name << " on " << target;
    });
  }
}

TEST(MlstmChunk, ASequenceDoesNotDependOnTheOthersNorOnWhereItsStateLies) {
  for (const MlstmCase& c : mlstm_chunk_cases()) {
    const MlstmData in = make_data(c);
    const MlstmResult together = run_simd(c, in);
    MlstmCase one = c;
    one.B = 1;
    for (std::size_t b = 0; b < c.B; ++b) {
      const auto row = [&](const std::vector<float>& all) {
        const auto width = static_cast<std::ptrdiff_t>(all.size() / c.B);
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(b) * width;
        return std::vector<float>(begin, begin + width);
      };
      const MlstmData alone = {row(in.q), row(in.k), row(in.v), row(in.i),
                               row(in.f), row(in.C), row(in.n), row(in.m)};
      expect_same(run_simd(one, alone),
                  {row(together.h), row(together.C), row(together.n), row(together.m)}, c.name);
    }
  }
}

TEST(MlstmChunk, AnyNumberOfThreadsGivesTheSameBits) {
  for (const MlstmCase& c : mlstm_chunk_cases()) {
    const MlstmData in = make_data(c);
    ThreadPool single(1);
    const MlstmResult alone = run_simd(c, in, single);
    for (const std::size_t threads : {2, 3, 8, 16}) {
      ThreadPool pool(threads);
      expect_same(run_simd(c, in, pool), alone, c.name + " on " + std::to_string(threads));
    }
  }
}

// [rows, width] -> rows `stride` apart, strangers between.
std::vector<float> spread(const std::vector<float>& from, std::size_t width, std::size_t stride) {
  std::vector<float> out(from.size() / width * stride, 1e30F);
  for (std::size_t row = 0; row * width < from.size(); ++row) {
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(row * width), width,
                out.begin() + static_cast<std::ptrdiff_t>(row * stride));
  }
  return out;
}

TEST(MlstmChunk, ColumnsOfAWiderProductAreReadInPlace) {
  for (const MlstmCase& c : mlstm_chunk_cases()) {
    const MlstmData in = make_data(c);
    const std::size_t wide = c.NH * std::max(c.DHQK, c.DHV) + 3, gates = c.NH + 2;
    const auto q = spread(in.q, c.NH * c.DHQK, wide), k = spread(in.k, c.NH * c.DHQK, wide);
    const auto v = spread(in.v, c.NH * c.DHV, wide);
    const auto i = spread(in.i, c.NH, gates), f = spread(in.f, c.NH, gates);
    MlstmResult out{empty_result(c).h, in.C, in.n, in.m};
    const auto states = state_rows(c, out.C.data(), out.n.data(), out.m.data());
    kernels::mlstm_chunk(
        test_pool(),
        {c.B, c.S, c.NH, c.DHQK, c.DHV, 1e-6F, static_cast<std::ptrdiff_t>(wide),
         static_cast<std::ptrdiff_t>(gates)},
        {q.data(), k.data(), v.data(), i.data(), f.data(), states.data(), out.h.data()});
    expect_same(out, run_simd(c, in), c.name);
  }
}

TEST(MlstmChunk, NanReachesWhatComesAfterAndNoOtherHead) {
  const MlstmCase c{"nan", 1, 130, 2, 8, 16};
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const MlstmData clean = make_data(c);
  const MlstmResult before = run_simd(c, clean);
  for (const auto part : {&MlstmData::q, &MlstmData::v, &MlstmData::i, &MlstmData::f}) {
    MlstmData in = clean;
    auto& values = in.*part;
    const std::size_t width = values.size() / (c.S * c.NH);
    values[70 * c.NH * width] = nan;  // token 70, the first head
    const MlstmResult out = run_simd(c, in);
    EXPECT_TRUE(std::isnan(out.h[70 * c.NH * c.DHV]));
    for (std::size_t s = 0; s < c.S; ++s) {
      for (std::size_t j = 0; j < c.DHV; ++j) {
        const std::size_t first = s * c.NH * c.DHV + j, second = first + c.DHV;
        EXPECT_EQ(out.h[second], before.h[second]);
        if (s < 64) {
          EXPECT_EQ(out.h[first], before.h[first]);
        }
      }
    }
  }
}

TEST(MlstmChunk, NeutralTokensLeaveTheStateAlone) {
  // i = -inf and f = +inf: nothing is added and nothing is forgotten.
  const MlstmCase c{"neutral", 1, 70, 2, 9, 20};
  MlstmData in = make_data(c);
  const float inf = std::numeric_limits<float>::infinity();
  std::fill(in.i.begin(), in.i.end(), -inf);
  std::fill(in.f.begin(), in.f.end(), inf);
  const MlstmResult got = run_simd(c, in);
  EXPECT_EQ(got.C, in.C);
  EXPECT_EQ(got.n, in.n);
  EXPECT_EQ(got.m, in.m);
}

TEST(MlstmChunk, OneTokenIsAStep) {
  for (const MlstmCase& c : mlstm_step_cases()) {
    const MlstmData in = make_data(c);
    const MlstmResult truth = reference(c, in);
    EXPECT_EQ(compare(run_simd(c, in), truth, bounds(c, in, truth)), "") << c.name;
  }
}

// Without a soft cap: input gates so far shut that 1 over their weight is no float.
TEST(MlstmChunk, ShutGatesStayFinite) {
  for (const float shut : {-60.0F, -120.0F, -300.0F}) {
    const MlstmCase c{"shut", 1, 130, 2, 8, 16, 2.0F, true};
    MlstmData in = make_data(c);
    for (float& i : in.i) i += shut;
    for_each_simd_target([&](const char* target) {
      const MlstmResult out = run_simd(c, in), truth = reference(c, in);
      for (std::size_t at = 0; at < out.h.size(); ++at) {
        // Weights below exp(-60) against a floor of exp(60) and more: h is nothing.
        ASSERT_NEAR(out.h[at], truth.h[at], 1e-20) << target << " " << shut << " " << at;
      }
      for (const float x : out.C) ASSERT_TRUE(std::isfinite(x)) << target;
    });
  }
}

TEST(MlstmChunk, NoTokensNoHeadsNothingHappens) {
  kernels::mlstm_chunk(test_pool(), {1, 0, 2, 4, 4}, {});
  kernels::mlstm_chunk(test_pool(), {0, 5, 2, 4, 4}, {});
}

}  // namespace
}  // namespace xlstm::testing
