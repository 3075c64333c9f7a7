// One token of each sequence through the mLSTM cell on a GPU: the shared list of cases against the
// float64 reference, and shapes around how blocks share heads; none where there is no GPU.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/mlstm_cases.h"
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
  all.push_back({"halves of heads", 20, 1, 8, 64, 512});
  all.push_back({"whole heads", 40, 1, 8, 64, 512});
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

}  // namespace
}  // namespace xlstm::cuda
