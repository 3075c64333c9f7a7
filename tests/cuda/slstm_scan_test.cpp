// The sLSTM cell on a GPU: how its work is divided, and every way against the float64 recurrence;
// the latter only where there is a GPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/backend/random_values.h"
#include "xlstm/base/floats.h"
#include "xlstm/cuda/cuda_backend.h"
#include "xlstm/cuda/slstm.h"

namespace xlstm::cuda {
namespace {

using testing::uniform;

constexpr SlstmDevice kH200 = {132, 227 << 10, true}, kA100 = {108, 163 << 10, false};

TEST(SlstmPlan, HeadsThatFitStayInSharedMemory) {
  const SlstmPlan one = plan_slstm({1, 64, 4, 128, 4}, kH200);  // a series of TiRex
  EXPECT_EQ(one.blocks, 8);
  EXPECT_EQ(one.rows, 1);
  EXPECT_TRUE(one.resident);
  const SlstmPlan many = plan_slstm({64, 64, 4, 128, 4}, kH200);
  EXPECT_LE(many.blocks * 4 * 64 / many.rows, 132);  // all at once
  EXPECT_TRUE(many.resident);
}

TEST(SlstmPlan, WhatDoesNotFitOrIsReadOnceIsStreamed) {
  EXPECT_FALSE(plan_slstm({1, 512, 4, 1024, 4}, kH200).resident);
  EXPECT_FALSE(plan_slstm({1, 1, 4, 128, 4}, kH200).resident);
}

TEST(SlstmPlan, FitsTheDevice) {
  for (const SlstmDevice& device : {kH200, kA100}) {
    for (const std::int64_t DH : {1, 7, 16, 50, 64, 128, 250, 256, 333, 512, 768, 1024}) {
      for (const std::int64_t B : {1, 3, 8, 64, 1000}) {
        const SlstmPlan plan = plan_slstm({B, 64, 4, DH, 4}, device);
        EXPECT_LE(plan.shared_bytes + (16 << 10), device.shared_bytes) << DH;
        EXPECT_EQ(DH % plan.blocks, 0) << DH;
        EXPECT_TRUE(device.clusters || plan.blocks == 1);
      }
    }
  }
}

struct Case {
  std::int64_t B, S, NH, DH;
  DType weights = DType::kF32;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << "B " << c.B << " S " << c.S << " NH " << c.NH << " DH " << c.DH << " "
       << name_of(c.weights);
}

std::vector<Case> cases() {
  if (!has_gpu()) return {};
  return {{1, 1, 1, 1},
          {2, 5, 3, 7},
          {1, 9, 4, 16},
          {3, 20, 4, 16, DType::kBF16},
          {1, 64, 4, 128},
          {1, 2, 4, 128},
          {5, 64, 4, 128},
          {64, 64, 4, 128},
          {70, 12, 4, 128, DType::kBF16},
          {1, 30, 4, 256},
          {9, 30, 4, 256, DType::kBF16},
          {2, 6, 2, 512},
          {4, 6, 1, 1000, DType::kBF16},
          {1, 1, 4, 256, DType::kBF16}};
}

// [B, NH, DH] each.
struct Cell {
  std::vector<double> y, c, n, m;
};

double log_sigmoid(double x) {
  return std::min(x, 0.0) - std::log1p(std::exp(-std::abs(x)));
}

class SlstmScanOnGpu : public ::testing::TestWithParam<Case> {
 protected:
  SlstmScanOnGpu() {
    const auto [B, S, NH, DH, type] = GetParam();
    const std::int64_t width = NH * DH;
    gates_if = uniform(B * S * 2 * width, 4, 1), gates_zo = uniform(B * S * 2 * width, 2, 2);
    bias = uniform(4 * width, 1, 3);
    R = uniform(4 * width * DH, 1, 4);
    for (float& r : R) {
      r *= 1.0F / static_cast<float>(DH);  // so that a change of y does not grow
      if (type == DType::kBF16) r = float_from_bf16(bf16_from_float(r));
    }
  }

  std::size_t at(std::int64_t index) const { return static_cast<std::size_t>(index); }

  // Tokens [begin, end) of each sequence; y [B, end - begin, NH * DH].
  std::vector<double> move_on(Cell& cell, std::int64_t begin, std::int64_t end) const {
    const auto [B, S, NH, DH, type] = GetParam();
    const std::int64_t width = NH * DH;
    std::vector<double> all(at(B * (end - begin) * width));
    for (std::int64_t b = 0; b < B; ++b) {
      for (std::int64_t t = begin; t < end; ++t) {
        const Cell before = cell;
        for (std::int64_t u = 0; u < width; ++u) {
          const std::int64_t head = u / DH, unit = u % DH, token = (b * S + t) * 2 * width;
          double raw[4] = {gates_if[at(token + u)], gates_if[at(token + width + u)],
                           gates_zo[at(token + u)], gates_zo[at(token + width + u)]};
          for (std::int64_t g = 0; g < 4; ++g) {
            raw[g] += bias[at((head * 4 + g) * DH + unit)];
            for (std::int64_t d = 0; d < DH; ++d) {
              raw[g] += before.y[at(b * width + head * DH + d)] *
                        R[at(((head * DH + d) * 4 + g) * DH + unit)];
            }
          }
          const std::size_t i = at(b * width + u);
          const double kept = before.m[i] + log_sigmoid(raw[1]);
          cell.m[i] = before.n[i] == 0 ? raw[0] : std::max(raw[0], kept);
          const double take = std::min(std::exp(raw[0] - cell.m[i]), 1.0);
          const double keep = std::min(std::exp(kept - cell.m[i]), 1.0);
          cell.c[i] = keep * before.c[i] + take * std::tanh(raw[2]);
          cell.n[i] = keep * before.n[i] + take;
          cell.y[i] = cell.c[i] / cell.n[i] / (1 + std::exp(-raw[3]));
          all[at((b * (end - begin) + t - begin) * width + u)] = cell.y[i];
        }
      }
    }
    return all;
  }

  std::vector<float> gates_if, gates_zo, bias, R;
};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SlstmScanOnGpu);
INSTANTIATE_TEST_SUITE_P(Cases, SlstmScanOnGpu, ::testing::ValuesIn(cases()));

TEST_P(SlstmScanOnGpu, AgreesWithTheRecurrence) {
  const auto [B, S, NH, DH, type] = GetParam();
  const std::int64_t width = NH * DH;
  const auto backend = make_backend(DType::kF32);
  Backend& b = *backend;
  Tensor weights = b.allocate({NH, DH, 4 * DH}, type, "R");
  floats_to(R.data(), R.size(), type, b.writable(weights).data());
  const SlstmWeights prepared = b.prepare(SlstmWeights{weights, b.floats({NH, 4 * DH}, bias)});
  const auto states = b.state_batch();
  const Tensor zero = b.filled({NH, DH}, 0);
  for (std::int64_t row = 0; row < B; ++row) states->add({{zero, zero, zero, zero}});
  const std::vector<double> none(at(B * width), 0);
  Cell cell = {none, none, none, none};
  const Tensor x = b.floats({B * S, 2 * width}, gates_if),
               z = b.floats({B * S, 2 * width}, gates_zo);

  // A gate is a sum of DH + 2 terms, of |R| |y| <= 1 in all and 5 besides, each rounded; c / n and
  // y follow a gate's error at most by twice as much, m by as much as all tokens' together; R hands
  // at most half of y's error on to the next token, for its terms have random signs.
  const double error = 0x1p-23 * (static_cast<double>(DH) + 12) * 6, most = 4 * error;
  const auto expect = [&](const Tensor& got, const std::vector<double>& truth, double bound,
                          const char* what) {
    const auto values = b.read_floats(got);
    ASSERT_EQ(values.size(), truth.size());
    for (std::size_t i = 0; i < truth.size(); ++i) {
      ASSERT_NEAR(values[i], truth[i], bound * std::max(1.0, std::abs(truth[i]))) << what << i;
    }
  };
  // In two parts, of which the second goes on from what the first left.
  const std::int64_t half = S / 2;
  for (const auto& [begin, end] : {std::pair<std::int64_t, std::int64_t>(0, half), {half, S}}) {
    const Tensor y = b.slstm_scan(b.tokens(x, B, begin, end), b.tokens(z, B, begin, end), prepared,
                                  {*states, 0});
    expect(y, move_on(cell, begin, end), most, "y");
  }
  const auto tokens = static_cast<double>(S + 1);
  const std::vector<double>* const parts[] = {&cell.y, &cell.c, &cell.n, &cell.m};
  for (std::size_t part = 0; part < 4; ++part) {
    expect(states->take(part), *parts[part], part == 0 ? most : most * tokens, "state");
  }
}

}  // namespace
}  // namespace xlstm::cuda
