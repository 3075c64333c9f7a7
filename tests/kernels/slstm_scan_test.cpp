#include "xlstm/kernels/slstm_scan/slstm_scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/op_cases.h"
#include "tests/kernels/slstm_cases.h"

namespace xlstm::testing {
namespace {

std::vector<std::byte> packed_R(const SlstmCase& c, const SlstmData& in) {
  const kernels::WeightType type = c.bf16 ? kernels::WeightType::kBF16 : kernels::WeightType::kF32;
  const std::size_t units =
      (c.DH + kernels::slstm_units() - 1) / kernels::slstm_units() * kernels::slstm_units();
  std::vector<std::byte> out(c.NH * units * c.DH * 4 * kernels::weight_bytes(type));
  kernels::pack_slstm_R(typed_R(c, in).data(), type, c.NH, c.DH, out.data());
  return out;
}

// A state with guards around each of its arrays, `offset` floats misaligned.
struct GuardedState {
  GuardedState(const SlstmCase& of, const SlstmState& from, std::size_t offset)
      : y(guarded(from.y, offset)),
        c(guarded(from.c, offset)),
        n(guarded(from.n, offset)),
        m(guarded(from.m, offset)) {
    for (std::size_t b = 0; b < of.B; ++b) {
      const std::size_t at = b * of.NH * of.DH;
      rows.push_back({y.data() + at, c.data() + at, n.data() + at, m.data() + at, b * of.S, of.S});
    }
  }
  static GuardedRows guarded(const std::vector<float>& from, std::size_t offset) {
    GuardedRows out(1, from.size(), from.size(), offset);
    std::copy(from.begin(), from.end(), out.data());
    return out;
  }
  bool intact() const { return y.intact() && c.intact() && n.intact() && m.intact(); }
  SlstmState values() const { return {y.values(), c.values(), n.values(), m.values()}; }

  GuardedRows y, c, n, m;
  std::vector<kernels::SlstmRow> rows;
};

SlstmResult run_simd(const SlstmCase& c, const SlstmData& in, std::size_t offset = 0,
                     ThreadPool& pool = test_pool()) {
  const std::size_t D = c.NH * c.DH, T = c.B * c.S;
  GuardedState state(c, in.state, offset);
  GuardedRows y(T, D, D, offset);
  const auto R = packed_R(c, in);
  kernels::slstm_scan(pool, {c.B, c.NH, c.DH},
                      {in.gates_if.data(), in.gates_zo.data(), R.data(),
                       c.bf16 ? kernels::WeightType::kBF16 : kernels::WeightType::kF32,
                       in.bias.data(), state.rows.data(), y.data()});
  EXPECT_TRUE(state.intact() && y.intact()) << c.name << " wrote beyond an output";
  return {y.values(), state.values()};
}

void expect_equal(const SlstmResult& got, const SlstmResult& wanted, const std::string& what) {
  EXPECT_EQ(got.y, wanted.y) << what;
  EXPECT_EQ(got.state.y, wanted.state.y) << what;
  EXPECT_EQ(got.state.c, wanted.state.c) << what;
  EXPECT_EQ(got.state.n, wanted.state.n) << what;
  EXPECT_EQ(got.state.m, wanted.state.m) << what;
}

std::vector<float> slice(const std::vector<float>& all, std::size_t at, std::size_t count) {
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(at);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

// Tokens [begin, end) of row b, from a state of that row.
SlstmData part_of(const SlstmCase& c, const SlstmData& in, std::size_t b, std::size_t begin,
                  std::size_t end, SlstmState state) {
  const std::size_t D = c.NH * c.DH, at = (b * c.S + begin) * 2 * D, count = (end - begin) * 2 * D;
  return {slice(in.gates_if, at, count), slice(in.gates_zo, at, count), in.R, in.bias,
          std::move(state)};
}

SlstmState row_of(const SlstmCase& c, const SlstmState& all, std::size_t b) {
  const std::size_t D = c.NH * c.DH;
  return {slice(all.y, b * D, D), slice(all.c, b * D, D), slice(all.n, b * D, D),
          slice(all.m, b * D, D)};
}

TEST(SlstmScan, EverySimdTargetAgreesWithTheReferenceAtEveryAlignment) {
  std::vector<SlstmData> data;
  std::vector<SlstmResult> truth, bound;
  for (const SlstmCase& c : slstm_cases()) {
    data.push_back(make_data(c));
    truth.push_back(reference(c, data.back()));
    bound.push_back(bounds(c, data.back()));
    for (const float each : bound.back().y) ASSERT_LT(each, 2e-3F) << c.name << " tells nothing";
  }
  int targets = 0;
  for_each_simd_target([&](const char* target) {
    ++targets;
    for (std::size_t at = 0; at < data.size(); ++at) {
      const SlstmCase c = slstm_cases()[at];
      for (const std::size_t offset : {0, 1, 3}) {
        EXPECT_EQ(compare(run_simd(c, data[at], offset), truth[at], bound[at]), "")
            << c.name << " on " << target << ", offset " << offset;
      }
    }
  });
  EXPECT_GE(targets, 1);
}

TEST(SlstmScan, ASequenceDependsNeitherOnTheOthersNorOnHowItIsCut) {
  for_each_simd_target([&](const char* target) {
    for (const SlstmCase& c : slstm_cases()) {
      const SlstmData in = make_data(c);
      const SlstmResult together = run_simd(c, in);
      const std::size_t D = c.NH * c.DH;
      for (const std::size_t step : {c.S, std::size_t{1}, std::size_t{3}}) {
        for (std::size_t b = 0; b < c.B; ++b) {
          SlstmResult pieces{{}, row_of(c, in.state, b)};
          for (std::size_t s = 0; s < c.S; s += step) {
            SlstmCase piece = c;
            piece.B = 1;
            piece.S = std::min(step, c.S - s);
            const SlstmResult got =
                run_simd(piece, part_of(c, in, b, s, s + piece.S, std::move(pieces.state)), b % 4);
            pieces.y.insert(pieces.y.end(), got.y.begin(), got.y.end());
            pieces.state = got.state;
          }
          expect_equal(pieces,
                       {slice(together.y, b * c.S * D, c.S * D), row_of(c, together.state, b)},
                       c.name + " on " + target + ", row " + std::to_string(b) + " by " +
                           std::to_string(step));
        }
      }
    }
  });
}

TEST(SlstmScan, RowsOfUnequalLengthsAreAsEachAlone) {
  const SlstmCase c{"unequal", 5, 7, 2, 20};
  const SlstmData in = make_data(c);
  const std::size_t D = c.NH * c.DH, lengths[] = {3, 7, 0, 1, 6};
  SlstmState state = in.state;
  std::vector<float> y(c.B * c.S * D, -7);
  std::vector<kernels::SlstmRow> rows = state_rows(c, state);
  for (std::size_t b = 0; b < c.B; ++b) rows[b].tokens = lengths[b];
  const auto R = packed_R(c, in);
  kernels::slstm_scan(test_pool(), {c.B, c.NH, c.DH},
                      {in.gates_if.data(), in.gates_zo.data(), R.data(), kernels::WeightType::kF32,
                       in.bias.data(), rows.data(), y.data()});
  for (std::size_t b = 0; b < c.B; ++b) {
    SlstmCase one = c;
    one.B = 1;
    one.S = lengths[b];
    const SlstmResult alone =
        run_simd(one, part_of(c, in, b, 0, lengths[b], row_of(c, in.state, b)));
    expect_equal({slice(y, b * c.S * D, lengths[b] * D), row_of(c, state, b)}, alone,
                 "row " + std::to_string(b));
    for (std::size_t at = (b * c.S + lengths[b]) * D; at < (b + 1) * c.S * D; ++at) {
      ASSERT_EQ(y[at], -7) << "wrote a token that is not the row's";
    }
  }
}

TEST(SlstmScan, ThreadCountDoesNotChangeABit) {
  for (const SlstmCase& c :
       {SlstmCase{"odd_heads", 7, 5, 3, 100}, SlstmCase{"one_head", 40, 4, 1, 64},
        SlstmCase{"one_token", 2, 1, 3, 300}}) {
    const SlstmData in = make_data(c);
    ThreadPool alone(1);
    const SlstmResult one = run_simd(c, in, 0, alone);
    for (const std::size_t threads : {2, 3, 8, 16}) {
      ThreadPool pool(threads);
      expect_equal(run_simd(c, in, 0, pool), one,
                   c.name + ", " + std::to_string(threads) + " threads");
    }
  }
}

TEST(SlstmScan, AFreshStateForgetsNothingWhateverTheGatesAre) {
  // l - m' is 300 here: its exponential is infinite, and times a state of 0 would be NaN.
  const SlstmCase c{"first_token", 1, 2, 1, 17, true};
  SlstmData in = make_data(c);
  std::fill_n(in.gates_if.begin(), 17, -300.0F);      // i
  std::fill_n(in.gates_if.begin() + 17, 17, 300.0F);  // f
  const SlstmResult truth = reference(c, in), got = run_simd(c, in);
  EXPECT_EQ(compare(got, truth, bounds(c, in)), "");
  for (const float y : got.y) ASSERT_TRUE(std::isfinite(y));
}

TEST(SlstmScan, ANanStaysInItsSequenceAndHead) {
  const SlstmCase c{"nan", 2, 3, 2, 20};
  const std::size_t D = c.NH * c.DH;
  for (const std::size_t gate : {0, 1, 2, 3}) {
    SlstmData in = make_data(c);
    const std::size_t token = 3;  // the first one of row 1
    auto& gates = gate < 2 ? in.gates_if : in.gates_zo;
    gates[(2 * token + gate % 2) * D + 20] = std::nanf("");  // unit 0 of head 1
    const SlstmResult got = run_simd(c, in);
    for (std::size_t at = 0; at < got.y.size(); ++at) {
      const bool first = at == token * D + 20;
      const bool later = at / D > token && at % D >= 20;  // through R the whole head
      EXPECT_EQ(std::isnan(got.y[at]), first || later) << "gate " << gate << " at " << at;
    }
  }
}

}  // namespace
}  // namespace xlstm::testing
