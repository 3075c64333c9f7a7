// The sLSTM scan of every backend against the float64 recurrence, however a sequence is cut.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "tests/backend/backends.h"
#include "tests/kernels/slstm_cases.h"
#include "xlstm/base/error.h"

namespace xlstm::testing {
namespace {

std::int64_t axis(std::size_t length) {
  return static_cast<std::int64_t>(length);
}

class SlstmScanOp : public ::testing::TestWithParam<BackendCase> {
 protected:
  SlstmScanOp() : backend_(GetParam().make()), b(*backend_) {}

  SlstmWeights weights_of(const SlstmCase& c, const SlstmData& d) {
    const DType type = c.bf16 ? DType::kBF16 : DType::kF32;
    Tensor R = b.allocate({axis(c.NH), axis(c.DH), axis(4 * c.DH)}, type, "R");
    const std::vector<std::byte> bytes = typed_R(c, d);
    std::memcpy(b.writable(R).data(), bytes.data(), bytes.size());
    const Tensor bias = b.floats({axis(c.NH), axis(4 * c.DH)}, d.bias);
    return b.prepare(SlstmWeights{std::move(R), bias});
  }

  std::unique_ptr<StateBatch> states_of(const SlstmCase& c, const SlstmState& s) {
    std::unique_ptr<StateBatch> states = b.state_batch();
    const std::size_t D = c.NH * c.DH;
    for (std::size_t row = 0; row < c.B; ++row) {
      const auto part = [&](const std::vector<float>& all) {
        return b.floats({axis(c.NH), axis(c.DH)}, std::span(all).subspan(row * D, D));
      };
      states->add({{part(s.y), part(s.c), part(s.n), part(s.m)}});
    }
    return states;
  }

  SlstmState taken(StateBatch& states) {
    return {values_of(b, states.take(0)), values_of(b, states.take(1)),
            values_of(b, states.take(2)), values_of(b, states.take(3))};
  }

  struct Gates {
    Tensor i_and_f, z_and_o;
  };
  Gates gates_of(const SlstmCase& c, const SlstmData& d) {
    const TensorShape shape = {axis(c.B * c.S), axis(2 * c.NH * c.DH)};
    return {b.floats(shape, d.gates_if), b.floats(shape, d.gates_zo)};
  }

  // The sequence in segments of `segment` tokens.
  SlstmResult run(const SlstmCase& c, const SlstmData& d, std::int64_t segment) {
    const SlstmWeights weights = weights_of(c, d);
    const Gates gates = gates_of(c, d);
    const auto states = states_of(c, d.state);
    std::vector<Tensor> y;
    for (std::int64_t begin = 0; begin < axis(c.S); begin += segment) {
      const auto part = [&](const Tensor& x) {
        return b.tokens(x, axis(c.B), begin, std::min(begin + segment, axis(c.S)));
      };
      y.push_back(b.slstm_scan(part(gates.i_and_f), part(gates.z_and_o), weights, {*states, 0}));
    }
    if (c.S == 0) y.push_back(b.slstm_scan(gates.i_and_f, gates.z_and_o, weights, {*states, 0}));
    return {values_of(b, b.join_tokens(y, axis(c.B))), taken(*states)};
  }

  std::shared_ptr<Backend> backend_;
  Backend& b;
};

INSTANTIATE_TEST_SUITE_P(Backends, SlstmScanOp, ::testing::ValuesIn(float32_backends()),
                         backend_name);

TEST_P(SlstmScanOp, AnySegmentsAgreeWithTheReference) {
  for (const SlstmCase& c : slstm_cases()) {
    const SlstmData data = make_data(c);
    const SlstmResult truth = reference(c, data), bound = bounds(c, data);
    for (const std::int64_t segment : {std::int64_t{1}, std::int64_t{7}, axis(c.S) + 1}) {
      EXPECT_EQ(compare(run(c, data, segment), truth, bound), "")
          << c.name << ", segments of " << segment;
    }
  }
}

TEST_P(SlstmScanOp, ARowAmongOthersAgreesWithTheReferenceOfItself) {
  // Fresh rows beside rows under way: what is new is told by each element of a state by itself.
  SlstmCase c{"mixed", 3, 5, 2, 12};
  SlstmData data = make_data(c);
  const std::size_t D = c.NH * c.DH;
  for (auto* part : {&data.state.y, &data.state.c, &data.state.n, &data.state.m}) {
    std::fill_n(part->begin() + static_cast<std::ptrdiff_t>(D), D, 0.0F);
  }
  EXPECT_EQ(compare(run(c, data, 2), reference(c, data), bounds(c, data)), "");
}

TEST_P(SlstmScanOp, AForkIsNotWrittenTo) {
  const SlstmCase c{"fork", 1, 3, 2, 16};
  const SlstmData data = make_data(c);
  const SlstmWeights weights = weights_of(c, data);
  const Gates gates = gates_of(c, data);
  const State held = states_of(c, data.state)->remove(0);
  const auto read = [&] {
    const auto fork = b.state_batch();
    fork->add(held);
    return values_of(b, b.slstm_scan(gates.i_and_f, gates.z_and_o, weights, {*fork, 0}));
  };
  const auto first = read();
  EXPECT_EQ(values_of(b, held.tensors[0]), data.state.y);
  EXPECT_EQ(values_of(b, held.tensors[3]), data.state.m);
  EXPECT_EQ(read(), first);
}

TEST_P(SlstmScanOp, UnequalLengthsAreAsEachRowAlone) {
  if (!b.takes_unequal_lengths()) return;  // nobody asks such a backend
  const SlstmCase c{"unequal", 3, 4, 2, 20};
  const SlstmData data = make_data(c);
  const std::size_t D = c.NH * c.DH;
  const std::int64_t lengths[] = {7, 1, 4};  // of 12 tokens
  const SlstmWeights weights = weights_of(c, data);
  const Gates gates = gates_of(c, data);
  const auto together = states_of(c, data.state);
  together->set_lengths(lengths);
  const auto y = values_of(b, b.slstm_scan(gates.i_and_f, gates.z_and_o, weights, {*together, 0}));
  std::int64_t first = 0;
  for (std::size_t row = 0; row < c.B; ++row) {
    const auto alone = b.state_batch();
    alone->add(states_of(c, data.state)->remove(row));
    const auto part = [&](const Tensor& x) { return b.tokens(x, 1, first, first + lengths[row]); };
    const auto own =
        values_of(b, b.slstm_scan(part(gates.i_and_f), part(gates.z_and_o), weights, {*alone, 0}));
    EXPECT_TRUE(std::equal(own.begin(), own.end(), y.begin() + first * axis(D))) << row;
    const State after = together->copy(row), wanted = alone->copy(0);
    for (std::size_t at = 0; at < 4; ++at) {
      EXPECT_EQ(values_of(b, after.tensors[at]), values_of(b, wanted.tensors[at])) << row;
    }
    first += lengths[row];
  }
}

TEST_P(SlstmScanOp, WhatDoesNotFitIsRefused) {
  const SlstmCase c{"shapes", 2, 3, 2, 16};
  const SlstmData data = make_data(c);
  const SlstmWeights weights = weights_of(c, data);
  const Gates gates = gates_of(c, data);
  const auto states = states_of(c, data.state);
  const Tensor& good = gates.i_and_f;
  EXPECT_THROW(b.slstm_scan(good, b.filled({6, 65}, 0), weights, {*states, 0}), Error);
  EXPECT_THROW(b.slstm_scan(b.filled({6, 65}, 0), good, weights, {*states, 0}), Error);
  EXPECT_THROW(b.slstm_scan(b.filled({5, 64}, 0), b.filled({5, 64}, 0), weights, {*states, 0}),
               Error);
  const auto scan_with = [&](const Tensor& R, const Tensor& bias) {
    b.slstm_scan(good, gates.z_and_o, b.prepare(SlstmWeights{R, bias}), {*states, 0});
  };
  EXPECT_THROW(scan_with(b.filled({2, 16, 63}, 0), b.filled({2, 64}, 0)), Error);
  EXPECT_THROW(scan_with(b.filled({2, 16, 64}, 0), b.filled({2, 63}, 0)), Error);
  EXPECT_EQ(taken(*states).c, data.state.c);
}

}  // namespace
}  // namespace xlstm::testing
