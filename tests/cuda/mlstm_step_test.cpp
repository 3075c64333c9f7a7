// One token of each sequence through the mLSTM cell on a GPU: the shared list of cases against the
// float64 reference, and shapes around how blocks share heads; none where there is no GPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/kernels/mlstm_cases.h"
#include "xlstm/base/floats.h"
#include "xlstm/cuda/cuda_backend.h"

namespace xlstm::cuda {
namespace {

using xlstm::testing::MlstmCase;
using xlstm::testing::MlstmData;
using xlstm::testing::MlstmResult;

std::vector<MlstmCase> cases() {
  if (!has_gpu()) return {};
  std::vector<MlstmCase> all = xlstm::testing::mlstm_step_cases();
  // More strips than multiprocessors, of every width; rows past a tile; columns past a strip.
  for (const std::size_t B : {1, 2, 5, 9, 40}) {
    all.push_back({"strips", B, 1, 8, 64, 256});
    all.push_back({"long heads", B, 1, 2, 300, 260});
    all.push_back({"short heads", B, 1, 16, 8, 12});
    all.push_back({"odd", B, 1, 3, 33, 65});
  }
  all.push_back({"7B", 3, 1, 8, 256, 512});
  // Two blocks on a multiprocessor, with strips of half a head and of a whole one.
  all.push_back({"halves of heads", 20, 1, 8, 24, 512});
  all.push_back({"whole heads", 40, 1, 8, 24, 512});
  // Heads that one block takes whole: one for each block and several; tiles that are not full, more
  // of them than the ring has, fewer.
  all.push_back({"a head each", 16, 1, 8, 256, 512});
  all.push_back({"odd heads", 43, 1, 9, 72, 260});
  all.push_back({"heads of two tiles", 128, 1, 2, 64, 256});
  all.push_back({"long rings", 64, 1, 8, 256, 128});
  return all;
}

class MlstmStepOnGpu : public ::testing::TestWithParam<MlstmCase> {};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(MlstmStepOnGpu);
INSTANTIATE_TEST_SUITE_P(Cases, MlstmStepOnGpu, ::testing::ValuesIn(cases()));

TEST_P(MlstmStepOnGpu, AgreesWithTheReference) {
  const MlstmCase& c = GetParam();
  SCOPED_TRACE(c.name);
  const auto size = [](std::size_t axis) { return static_cast<std::int64_t>(axis); };
  const std::int64_t B = size(c.B), NH = size(c.NH), DHQK = size(c.DHQK), DHV = size(c.DHV);
  const MlstmData in = xlstm::testing::make_data(c);
  const MlstmResult truth = xlstm::testing::reference(c, in);
  const auto backend = make_backend(DType::kF32);
  Backend& b = *backend;
  const auto states = b.state_batch();
  const auto part = [](const std::vector<float>& all, std::int64_t row, std::int64_t count) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(row * count);
    return std::vector<float>(first, first + static_cast<std::ptrdiff_t>(count));
  };
  for (std::int64_t row = 0; row < B; ++row) {
    states->add(
        {{b.floats({NH, DHQK, DHV}, part(in.C, row, NH * DHQK * DHV)),
          b.floats({NH, DHQK}, part(in.n, row, NH * DHQK)), b.floats({NH}, part(in.m, row, NH))}});
  }
  const MlstmMixerSpec spec = {NH, DHQK, DHV, 1e-6F, 1e-6F, std::nullopt};
  const Tensor h = b.mlstm_cell(
      {b.floats({B, NH * DHQK}, in.q), b.floats({B, NH * DHQK}, in.k),
       b.floats({B, NH * DHV}, in.v), b.floats({B, NH}, in.i), b.floats({B, NH}, in.f)},
      spec, {*states, 0});
  MlstmResult got = xlstm::testing::empty_result(c);
  const auto read = [&](const Tensor& tensor, std::vector<float>& to, std::size_t at) {
    const auto values = b.read_floats(tensor);
    std::copy(values.begin(), values.end(), to.begin() + static_cast<std::ptrdiff_t>(at));
  };
  read(h, got.h, 0);
  for (std::size_t row = 0; row < c.B; ++row) {
    const State state = states->copy(row);
    read(state.tensors[0], got.C, row * c.NH * c.DHQK * c.DHV);
    read(state.tensors[1], got.n, row * c.NH * c.DHQK);
    read(state.tensors[2], got.m, row * c.NH);
  }
  EXPECT_EQ(xlstm::testing::compare(got, truth, xlstm::testing::bounds(c, in, truth)), "");
}

// What a mixer makes of the cell's h, which a cell of the same sequences gives with the same bits:
// of several tokens after each other.
class MlstmMixerOnGpu : public ::testing::TestWithParam<DType> {};

INSTANTIATE_TEST_SUITE_P(Types, MlstmMixerOnGpu, ::testing::Values(DType::kF32, DType::kBF16),
                         [](const auto& type) { return std::string(name_of(type.param)); });

TEST_P(MlstmMixerOnGpu, NormsAndGatesWholeHeads) {
  if (!has_gpu()) GTEST_SKIP() << "no GPU";
  constexpr std::int64_t B = 16, NH = 8, DHQK = 128, DHV = 260, QK = NH * DHQK, V = NH * DHV;
  constexpr std::int64_t kWidth = 2 * QK + 2 * V;
  const auto backend = make_backend(GetParam());
  Backend& b = *backend;
  std::mt19937 random(3);
  const auto uniform = [&](std::int64_t count) {  // bfloat16's
    std::uniform_real_distribution<float> draw(-2, 2);
    std::vector<float> out(static_cast<std::size_t>(count));
    for (float& x : out) x = float_from_bf16(bf16_from_float(draw(random)));
    return out;
  };
  const auto new_states = [&] {
    auto states = b.state_batch();
    for (std::int64_t row = 0; row < B; ++row) {
      states->add(
          {{b.filled({NH, DHQK, DHV}, 0.5F), b.filled({NH, DHQK}, 0.25F), b.filled({NH}, 0)}});
    }
    return states;
  };
  const auto weight = uniform(V), bias = uniform(V);
  const Norm norm = b.prepare(Norm{b.floats({V}, weight), b.floats({V}, bias)});
  const MlstmMixerSpec spec = {NH, DHQK, DHV, 1e-6F, 1e-6F, 15.0F};
  const auto states = new_states(), same = new_states();
  for (int token = 0; token < 3; ++token) {
    SCOPED_TRACE(token);
    const auto qkvo = uniform(B * kWidth);
    const Tensor all = b.to_activation(b.floats({B, kWidth}, qkvo));
    const Tensor i_and_f = b.floats({B, 2 * NH}, uniform(B * 2 * NH));
    const Tensor y = b.to_float32(b.mlstm_mixer(all, i_and_f, norm, spec, {*states, 0}));
    const Tensor h = b.mlstm_cell(
        {b.columns(all, 0, QK), b.columns(all, QK, 2 * QK), b.columns(all, 2 * QK, 2 * QK + V),
         b.soft_cap(b.columns(i_and_f, 0, NH), 15.0F),
         b.soft_cap(b.columns(i_and_f, NH, 2 * NH), 15.0F)},
        spec, {*same, 0});
    const auto got = b.read_floats(y), cell = b.read_floats(h);
    for (std::int64_t head = 0; head < B * NH; ++head) {
      const auto first = static_cast<std::size_t>(head * DHV);
      double mean = 0, squares = 0, size = 0;
      for (std::size_t d = 0; d < DHV; ++d) {
        mean += static_cast<double>(cell[first + d]) / DHV;
        size = std::max(size, std::abs(static_cast<double>(cell[first + d])));
      }
      for (std::size_t d = 0; d < DHV; ++d) {
        squares += std::pow(static_cast<double>(cell[first + d]) - mean, 2) / DHV;
      }
      const double r = 1 / std::sqrt(squares + 1e-6);
      for (std::size_t d = 0; d < DHV; ++d) {
        const auto of_head = static_cast<std::size_t>(head % NH * DHV) + d;
        const auto at = static_cast<std::size_t>(head / NH * kWidth + 2 * QK + V) + of_head;
        const double gate = 1 / (1 + std::exp(-static_cast<double>(qkvo[at])));
        const double scale = static_cast<double>(weight[of_head]) * r * gate;
        const double added = static_cast<double>(bias[of_head]) * gate;
        const double expected = (static_cast<double>(cell[first + d]) - mean) * scale + added;
        // The mean and the squares are sums of DHV numbers, and some roundings follow; the cap's
        // tanh is the same function in both.
        const double rounding = GetParam() == DType::kBF16 ? 0x1p-8 : 0;
        const double bound =
            0x1p-23 * (DHV + 16) * (std::abs(scale) * size + std::abs(expected) + std::abs(added)) +
            rounding * std::abs(expected);
        ASSERT_NEAR(got[first + d], expected, bound) << head << " " << d;
      }
    }
  }
}

}  // namespace
}  // namespace xlstm::cuda
