#include "xlstm/kernels/mlstm_step/mlstm_step.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/mlstm_cases.h"
#include "tests/kernels/op_cases.h"

namespace xlstm::testing {
namespace {

constexpr float kGuard = -7.25F;  // beyond every output; must stay

// The case's outputs with a guard behind each array and `offset` floats of misalignment before it.
struct Guarded {
  explicit Guarded(std::size_t count, std::size_t offset)
      : offset_(offset), count_(count), memory_(offset + count + 8, kGuard) {}
  float* data() { return memory_.data() + offset_; }
  void fill(const std::vector<float>& from) { std::copy(from.begin(), from.end(), data()); }
  std::vector<float> values() const {
    return {memory_.begin() + static_cast<std::ptrdiff_t>(offset_),
            memory_.begin() + static_cast<std::ptrdiff_t>(offset_ + count_)};
  }
  bool intact() const {
    for (std::size_t i = 0; i < memory_.size(); ++i) {
      if ((i < offset_ || i >= offset_ + count_) && memory_[i] != kGuard) return false;
    }
    return true;
  }
  std::size_t offset_, count_;
  std::vector<float> memory_;
};

MlstmResult run_simd(const MlstmCase& c, const MlstmData& in, std::size_t offset,
                     ThreadPool& pool = test_pool()) {
  const MlstmResult shape = empty_result(c);
  Guarded h(shape.h.size(), offset), C(shape.C.size(), offset);
  Guarded n(shape.n.size(), offset), m(shape.m.size(), offset);
  C.fill(in.C), n.fill(in.n), m.fill(in.m);
  const auto states = state_rows(c, C.data(), n.data(), m.data());
  kernels::mlstm_step(
      pool, {c.B, c.NH, c.DHQK, c.DHV, 1e-6F},
      {in.q.data(), in.k.data(), in.v.data(), in.i.data(), in.f.data(), states.data(), h.data()});
  EXPECT_TRUE(h.intact() && C.intact() && n.intact() && m.intact()) << "wrote beyond an output";
  return {h.values(), C.values(), n.values(), m.values()};
}

TEST(MlstmStep, EverySimdTargetAgreesWithTheReferenceAtEveryAlignment) {
  int targets = 0;
  for_each_simd_target([&](const char* target) {
    ++targets;
    for (const MlstmCase& c : mlstm_step_cases()) {
      const MlstmData in = make_data(c);
      const MlstmResult truth = reference(c, in);
      const MlstmResult bound = bounds(c, in, truth);
      for (const std::size_t offset : {0, 1, 3}) {
        EXPECT_EQ(compare(run_simd(c, in, offset), truth, bound), "")
            << c.name << " on " << target << ", offset " << offset;
      }
    }
  });
  EXPECT_GE(targets, 1);
}

TEST(MlstmStep, ASequenceDoesNotDependOnTheOthersNorOnWhereItsStateLies) {
  for (const MlstmCase& c : mlstm_step_cases()) {
    const MlstmData in = make_data(c);
    const MlstmResult together = run_simd(c, in, 0);
    MlstmCase one = c;
    one.B = 1;
    const std::size_t QK = c.NH * c.DHQK, V = c.NH * c.DHV, matrix = QK * c.DHV;
    for (std::size_t b = 0; b < c.B; ++b) {
      const auto row = [b](const std::vector<float>& all, std::size_t width) {
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(b * width);
        return std::vector<float>(begin, begin + static_cast<std::ptrdiff_t>(width));
      };
      const MlstmData alone = {row(in.q, QK),   row(in.k, QK),     row(in.v, V),  row(in.i, c.NH),
                               row(in.f, c.NH), row(in.C, matrix), row(in.n, QK), row(in.m, c.NH)};
      const MlstmResult got = run_simd(one, alone, b);
      EXPECT_EQ(got.h, row(together.h, V)) << c.name << " " << b;
      EXPECT_EQ(got.C, row(together.C, matrix)) << c.name << " " << b;
      EXPECT_EQ(got.n, row(together.n, QK)) << c.name << " " << b;
      EXPECT_EQ(got.m, row(together.m, c.NH)) << c.name << " " << b;
    }
  }
}

TEST(MlstmStep, ColumnsOfWiderProductsGiveTheSameBits) {
  for (const MlstmCase& c : mlstm_step_cases()) {
    const MlstmData in = make_data(c);
    const std::size_t QK = c.NH * c.DHQK, V = c.NH * c.DHV, wide = 2 * QK + 2 * V + 1;
    const std::size_t gates = 2 * c.NH + 3;
    const float unread = std::nanf("");
    std::vector<float> qkvo(c.B * wide, unread), both(c.B * gates, unread);
    for (std::size_t b = 0; b < c.B; ++b) {
      std::copy_n(in.q.data() + b * QK, QK, qkvo.data() + b * wide);
      std::copy_n(in.k.data() + b * QK, QK, qkvo.data() + b * wide + QK);
      std::copy_n(in.v.data() + b * V, V, qkvo.data() + b * wide + 2 * QK);
      std::copy_n(in.i.data() + b * c.NH, c.NH, both.data() + b * gates);
      std::copy_n(in.f.data() + b * c.NH, c.NH, both.data() + b * gates + c.NH);
    }
    const MlstmResult apart = run_simd(c, in, 0);
    MlstmResult own = {apart.h, in.C, in.n, in.m};
    const auto states = state_rows(c, own.C.data(), own.n.data(), own.m.data());
    kernels::mlstm_step(test_pool(),
                        {c.B, c.NH, c.DHQK, c.DHV, 1e-6F, static_cast<std::ptrdiff_t>(wide),
                         static_cast<std::ptrdiff_t>(gates)},
                        {qkvo.data(), qkvo.data() + QK, qkvo.data() + 2 * QK, both.data(),
                         both.data() + c.NH, states.data(), own.h.data()});
    EXPECT_EQ(own.h, apart.h) << c.name;
    EXPECT_EQ(own.C, apart.C) << c.name;
    EXPECT_EQ(own.n, apart.n) << c.name;
    EXPECT_EQ(own.m, apart.m) << c.name;
  }
}

TEST(MlstmStep, ThreadCountDoesNotChangeABit) {
  for (const MlstmCase& c :
       {MlstmCase{"one_head", 1, 1, 1, 300, 513}, MlstmCase{"odd_heads", 2, 1, 3, 200, 256},
        mlstm_step_cases().back()}) {
    const MlstmData in = make_data(c);
    ThreadPool alone(1);
    const MlstmResult one = run_simd(c, in, 0, alone);
    for (const std::size_t threads : {2, 3, 8, 16}) {
      ThreadPool pool(threads);
      const MlstmResult many = run_simd(c, in, 0, pool);
      EXPECT_EQ(many.h, one.h) << c.name << ", " << threads << " threads";
      EXPECT_EQ(many.C, one.C) << c.name << ", " << threads << " threads";
      EXPECT_EQ(many.n, one.n) << c.name << ", " << threads << " threads";
    }
  }
}

TEST(MlstmStep, ANanInOneHeadStaysThere) {
  const MlstmCase c{"nan", 1, 1, 3, 8, 16};
  MlstmData in = make_data(c);
  in.v[16] = std::nanf("");  // head 1, column 0
  const MlstmResult got = run_simd(c, in, 0);
  for (std::size_t at = 0; at < got.h.size(); ++at) {
    EXPECT_EQ(std::isnan(got.h[at]), at == 16) << at;
  }
}

TEST(MlstmStep, ShiftingTheStabiliserChangesNothing) {
  // (C e^-d, n e^-d, m + d) is the same state; only eps sees the difference.
  const MlstmCase c{"shift", 1, 1, 2, 16, 24};
  const MlstmData in = make_data(c);
  const MlstmResult truth = reference(c, in);
  MlstmData shifted = in;
  const float d = 1.5F;
  for (float& x : shifted.C) x *= std::exp(-d);
  for (float& x : shifted.n) x *= std::exp(-d);
  for (float& x : shifted.m) x += d;
  const MlstmResult got = reference(c, shifted);
  const MlstmResult bound = bounds(c, in, truth);
  for (std::size_t at = 0; at < truth.h.size(); ++at) {
    // eps = 1e-6 beside a denominator of at least e^-m: up to 1e-6 * e^(m + d) relative
    const double eps_effect = 1e-6 * std::exp(15.0 + d) * std::abs(truth.h[at]);
    EXPECT_NEAR(got.h[at], truth.h[at], bound.h[at] + eps_effect) << at;
  }
}

}  // namespace
}  // namespace xlstm::testing
