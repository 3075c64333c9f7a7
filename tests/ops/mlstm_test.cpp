// The mLSTM cell through MLX: step (kernel and definition) and chunk form against the float64
// recurrence, and against each other however a sequence is cut.
#include <gtest/gtest.h>

#include "mlx/mlx.h"
#include "tests/kernels/mlstm_cases.h"
#include "xlstm/base/error.h"
#include "xlstm/ops/ops.h"

namespace xlstm::testing {
namespace {
namespace mx = mlx::core;

int as_int(std::size_t x) {
  return static_cast<int>(x);
}

mx::array array_of(const std::vector<float>& values, std::initializer_list<std::size_t> shape) {
  mx::Shape out;
  for (const std::size_t length : shape) out.push_back(as_int(length));
  return mx::array(values.begin(), out, mx::float32);
}

ops::MlstmInput input_of(const MlstmCase& c, const MlstmData& d) {
  return {array_of(d.q, {c.B, c.S, c.NH, c.DHQK}), array_of(d.k, {c.B, c.S, c.NH, c.DHQK}),
          array_of(d.v, {c.B, c.S, c.NH, c.DHV}), array_of(d.i, {c.B, c.S, c.NH}),
          array_of(d.f, {c.B, c.S, c.NH})};
}

ops::MlstmState state_of(const MlstmCase& c, const MlstmData& d) {
  return {array_of(d.C, {c.B, c.NH, c.DHQK, c.DHV}), array_of(d.n, {c.B, c.NH, c.DHQK}),
          array_of(d.m, {c.B, c.NH})};
}

std::vector<float> values_of(const mx::array& a) {
  mx::array row_major = mx::contiguous(a);
  row_major.eval();
  return {row_major.data<float>(), row_major.data<float>() + row_major.size()};
}

MlstmResult result_of(const ops::MlstmOutput& out) {
  std::vector<mx::array> all;
  for (const auto* a : {&out.h, &out.state.C, &out.state.n, &out.state.m}) {
    all.push_back(mx::contiguous(*a));
  }
  mx::eval(all);
  const auto values = [](const mx::array& a) {
    return std::vector<float>(a.data<float>(), a.data<float>() + a.size());
  };
  return {values(all[0]), values(all[1]), values(all[2]), values(all[3])};
}

// Tokens [begin, end) of every input.
ops::MlstmInput tokens(const ops::MlstmInput& in, int begin, int end) {
  const auto part = [&](const mx::array& a) {
    mx::Shape start(a.ndim(), 0), stop = a.shape();
    start[1] = begin;
    stop[1] = end;
    return mx::slice(a, start, stop);
  };
  return {part(in.q), part(in.k), part(in.v), part(in.i), part(in.f)};
}

TEST(MlstmOp, StepKernelAndDefinitionAgreeWithTheReference) {
  for (const MlstmCase& c : mlstm_step_cases()) {
    const MlstmData data = make_data(c);
    const MlstmResult truth = reference(c, data);
    const MlstmResult bound = bounds(c, data, truth);
    const auto in = input_of(c, data);
    const auto state = state_of(c, data);
    EXPECT_EQ(compare(result_of(ops::mlstm_step(in, state, 1e-6F)), truth, bound), "") << c.name;
    EXPECT_EQ(compare(result_of(ops::mlstm_step_definition(in, state, 1e-6F)), truth, bound), "")
        << c.name << ", definition";
  }
}

TEST(MlstmOp, ChunksOfEverySizeAgreeWithTheReference) {
  for (const MlstmCase& c : mlstm_chunk_cases()) {
    const MlstmData data = make_data(c);
    const MlstmResult truth = reference(c, data);
    const MlstmResult bound = bounds(c, data, truth);
    const auto kernel = ops::mlstm_chunk(input_of(c, data), state_of(c, data), 1e-6F);
    EXPECT_EQ(compare(result_of(kernel), truth, bound), "") << c.name << ", kernel";
    for (const int chunk : {1, 16, 64, 1000}) {
      if (chunk == 1 && c.S > 150) continue;  // the same code, only slower
      const auto out =
          ops::mlstm_chunk_definition(input_of(c, data), state_of(c, data), 1e-6F, chunk);
      EXPECT_EQ(compare(result_of(out), truth, bound), "") << c.name << ", chunk " << chunk;
    }
  }
}

TEST(MlstmOp, StepsAndSegmentsAgreeWithTheReference) {
  for (const MlstmCase& c : mlstm_chunk_cases()) {
    if (c.S > 200) continue;
    const MlstmData data = make_data(c);
    const MlstmResult truth = reference(c, data);
    const MlstmResult bound = bounds(c, data, truth);
    const auto in = input_of(c, data);
    for (const int segment : {1, 7, 64, 100}) {
      ops::MlstmState state = state_of(c, data);
      std::vector<mx::array> h;
      for (int begin = 0; begin < as_int(c.S); begin += segment) {
        const int end = std::min(begin + segment, as_int(c.S));
        const auto out = ops::mlstm(tokens(in, begin, end), state, 1e-6F);
        h.push_back(out.h);
        state = out.state;
      }
      EXPECT_EQ(compare(result_of({mx::concatenate(h, 1), state}), truth, bound), "")
          << c.name << ", segments of " << segment;
    }
  }
}

TEST(MlstmOp, NoTokensLeaveTheStateAsItWas) {
  const MlstmCase c{"none", 2, 1, 2, 4, 6};
  const MlstmData data = make_data(c);
  const auto out = ops::mlstm(tokens(input_of(c, data), 0, 0), state_of(c, data), 1e-6F);
  EXPECT_EQ(out.h.shape(), (mx::Shape{2, 0, 2, 6}));
  EXPECT_EQ(result_of({mx::zeros({1}), out.state}).C, data.C);
}

TEST(MlstmOp, AHeldStateIsNotOverwritten) {
  // The step may work in place only when nobody else holds the state: a fork must survive.
  const MlstmCase c{"fork", 1, 1, 2, 16, 32};
  const MlstmData data = make_data(c);
  const auto in = input_of(c, data);
  ops::MlstmState held = state_of(c, data);
  mx::eval(held.C, held.n, held.m);
  const ops::MlstmState fork = held;
  const MlstmResult first = result_of(ops::mlstm_step(in, held, 1e-6F));
  EXPECT_EQ(values_of(fork.C), data.C);
  EXPECT_EQ(result_of(ops::mlstm_step(in, fork, 1e-6F)).h, first.h);
}

TEST(MlstmOp, AnUnheldStateIsUpdatedInPlace) {
  const MlstmCase c{"donate", 1, 1, 2, 16, 32};
  const MlstmData data = make_data(c);
  const auto in = input_of(c, data);
  ops::MlstmState state = state_of(c, data);
  state = ops::mlstm_step(in, state, 1e-6F).state;
  mx::eval(state.C, state.n, state.m);
  const float* const before = state.C.data<float>();
  state = ops::mlstm_step(in, state, 1e-6F).state;
  mx::eval(state.C, state.n, state.m);
  EXPECT_EQ(state.C.data<float>(), before);
}

TEST(MlstmOp, StridedInputsGiveTheSameBits) {
  // Slices of one fused projection, as the model passes them.
  const MlstmCase c{"strided", 2, 1, 3, 8, 8};
  const MlstmData data = make_data(c);
  const auto in = input_of(c, data);
  const mx::array fused = mx::concatenate({in.q, in.k, in.v}, -1);  // [B, 1, NH, 24]
  const auto parts = mx::split(fused, 3, -1);
  const auto whole = result_of(ops::mlstm_step(in, state_of(c, data), 1e-6F));
  const auto strided = result_of(
      ops::mlstm_step({parts[0], parts[1], parts[2], in.i, in.f}, state_of(c, data), 1e-6F));
  EXPECT_EQ(strided.h, whole.h);
  EXPECT_EQ(strided.C, whole.C);
}

TEST(MlstmOp, WrongShapesAreNamed) {
  const MlstmCase c{"wrong", 1, 1, 2, 4, 6};
  const MlstmData data = make_data(c);
  auto in = input_of(c, data);
  in.k = mx::zeros({1, 1, 2, 5});
  try {
    ops::mlstm(in, state_of(c, data), 1e-6F);
    FAIL() << "took a k that does not fit q";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "[mlstm] wanted k of shape [1, 1, 2, 4], got [1, 1, 2, 5]");
  }
}

}  // namespace
}  // namespace xlstm::testing
