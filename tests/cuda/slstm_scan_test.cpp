// The sLSTM cell on a GPU: how its work is divided, and sizes around that against the float64
// recurrence; the latter only where there is a GPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <vector>

#include "tests/kernels/slstm_cases.h"
#include "xlstm/cuda/cuda_backend.h"
#include "xlstm/cuda/slstm.h"

namespace xlstm::cuda {
namespace {

using testing::SlstmCase;
using testing::SlstmData;
using testing::SlstmResult;

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

std::vector<SlstmCase> cases() {
  if (!has_gpu()) return {};
  // Clusters of every size, groups of one, four and eight sequences, the last of them not full; R
  // that is kept and R that is not.
  return {{"a_cluster_each", 1, 64, 4, 128, true},
          {"a_few_tokens", 1, 2, 4, 128},
          {"a_cluster_of_some", 5, 64, 4, 128},
          {"all_at_once", 64, 16, 4, 128, true},
          {"a_rest", 70, 12, 4, 128, false, true},
          {"the_largest_kept", 9, 30, 4, 256, false, true},
          {"streamed", 2, 6, 2, 512},
          {"streamed_of_odd_size", 4, 6, 1, 1000, false, true},
          {"step_of_400m", 1, 1, 4, 256, false, true}};
}

class SlstmScanOnGpu : public ::testing::TestWithParam<SlstmCase> {};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SlstmScanOnGpu);
INSTANTIATE_TEST_SUITE_P(Cases, SlstmScanOnGpu, ::testing::ValuesIn(cases()),
                         [](const auto& each) { return each.param.name; });

TEST_P(SlstmScanOnGpu, AgreesWithTheReference) {
  const SlstmCase& c = GetParam();
  const SlstmData in = testing::make_data(c);
  const auto size = [](std::size_t axis) { return static_cast<std::int64_t>(axis); };
  const std::int64_t NH = size(c.NH), DH = size(c.DH), T = size(c.B * c.S);
  const auto backend = make_backend(DType::kF32);
  Backend& b = *backend;
  Tensor R = b.allocate({NH, DH, 4 * DH}, c.bf16 ? DType::kBF16 : DType::kF32, "R");
  std::ranges::copy(testing::typed_R(c, in), b.writable(R).begin());
  const SlstmWeights weights =
      b.prepare(SlstmWeights{std::move(R), b.floats({NH, 4 * DH}, in.bias)});
  const auto states = b.state_batch();
  for (std::size_t row = 0; row < c.B; ++row) {
    const auto part = [&](const std::vector<float>& all) {
      return b.floats({NH, DH}, std::span(all).subspan(row * c.NH * c.DH, c.NH * c.DH));
    };
    states->add({{part(in.state.y), part(in.state.c), part(in.state.n), part(in.state.m)}});
  }
  const TensorShape gates = {T, 2 * NH * DH};
  const Tensor y = b.slstm_scan(b.floats(gates, in.gates_if), b.floats(gates, in.gates_zo), weights,
                                {*states, 0});
  const auto read = [&](const Tensor& tensor) {
    const auto values = b.read_floats(tensor);
    return std::vector<float>(values.begin(), values.end());
  };
  const SlstmResult got = {
      read(y),
      {read(states->take(0)), read(states->take(1)), read(states->take(2)), read(states->take(3))}};
  EXPECT_EQ(testing::compare(got, testing::reference(c, in), testing::bounds(c, in)), "");
}

}  // namespace
}  // namespace xlstm::cuda
