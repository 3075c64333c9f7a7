// The mLSTM cell of every backend against the float64 recurrence, however a sequence is cut.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/backend/backends.h"
#include "tests/kernels/mlstm_cases.h"
#include "xlstm/base/error.h"

namespace xlstm::testing {
namespace {

std::int64_t axis(std::size_t length) {
  return static_cast<std::int64_t>(length);
}

MlstmMixerSpec spec_of(const MlstmCase& c) {
  return {axis(c.NH), axis(c.DHQK), axis(c.DHV), 1e-6F, 1e-6F, std::nullopt};
}

MlstmCellInput input_of(Backend& b, const MlstmCase& c, const MlstmData& d) {
  const std::int64_t T = axis(c.B * c.S);
  return {b.floats({T, axis(c.NH * c.DHQK)}, d.q), b.floats({T, axis(c.NH * c.DHQK)}, d.k),
          b.floats({T, axis(c.NH * c.DHV)}, d.v), b.floats({T, axis(c.NH)}, d.i),
          b.floats({T, axis(c.NH)}, d.f)};
}

// Part `row` of values that B rows share equally.
std::span<const float> row_of(const std::vector<float>& values, std::size_t row, std::size_t B) {
  const std::size_t size = values.size() / B;
  return std::span(values).subspan(row * size, size);
}

std::unique_ptr<StateBatch> states_of(Backend& b, const MlstmCase& c, const MlstmData& d) {
  std::unique_ptr<StateBatch> states = b.state_batch();
  for (std::size_t row = 0; row < c.B; ++row) {
    states->add({{b.floats({axis(c.NH), axis(c.DHQK), axis(c.DHV)}, row_of(d.C, row, c.B)),
                  b.floats({axis(c.NH), axis(c.DHQK)}, row_of(d.n, row, c.B)),
                  b.floats({axis(c.NH)}, row_of(d.m, row, c.B))}});
  }
  return states;
}

MlstmResult result_of(Backend& b, const Tensor& h, StateBatch& states) {
  return {values_of(b, h), values_of(b, states.take(0)), values_of(b, states.take(1)),
          values_of(b, states.take(2))};
}

class Cell : public ::testing::TestWithParam<BackendCase> {
 protected:
  Cell() : backend_(GetParam().make()), b(*backend_) {}

  // The sequence in segments of `segment` tokens.
  MlstmResult run(const MlstmCase& c, const MlstmData& data, std::int64_t segment) {
    const MlstmCellInput in = input_of(b, c, data);
    const std::unique_ptr<StateBatch> states = states_of(b, c, data);
    std::vector<Tensor> h;
    for (std::int64_t begin = 0; begin < axis(c.S); begin += segment) {
      const auto part = [&](const Tensor& x) {
        return b.tokens(x, axis(c.B), begin, std::min(begin + segment, axis(c.S)));
      };
      h.push_back(b.mlstm_cell({part(in.q), part(in.k), part(in.v), part(in.i), part(in.f)},
                               spec_of(c), {*states, 0}));
    }
    return result_of(b, b.join_tokens(h, axis(c.B)), *states);
  }

  std::shared_ptr<Backend> backend_;
  Backend& b;
};

INSTANTIATE_TEST_SUITE_P(Backends, Cell, ::testing::ValuesIn(float32_backends()), backend_name);

TEST_P(Cell, OneTokenAgreesWithTheReference) {
  for (const MlstmCase& c : mlstm_step_cases()) {
    const MlstmData data = make_data(c);
    const MlstmResult truth = reference(c, data);
    EXPECT_EQ(compare(run(c, data, 1), truth, bounds(c, data, truth)), "") << c.name;
  }
}

TEST_P(Cell, AnySegmentsAgreeWithTheReference) {
  for (const MlstmCase& c : mlstm_chunk_cases()) {
    const MlstmData data = make_data(c);
    const MlstmResult truth = reference(c, data);
    const MlstmResult bound = bounds(c, data, truth);
    for (const std::int64_t segment :
         {std::int64_t{1}, std::int64_t{7}, std::int64_t{64}, std::int64_t{100}, axis(c.S)}) {
      if (segment < 64 && c.S > 200) continue;  // the same code, only slower
      EXPECT_EQ(compare(run(c, data, segment), truth, bound), "")
          << c.name << ", segments of " << segment;
    }
  }
}

TEST_P(Cell, NoTokensLeaveTheStateAsItWas) {
  const MlstmCase c{"none", 2, 0, 2, 4, 6};
  MlstmCase with_state = c;
  with_state.S = 1;
  const MlstmData data = make_data(with_state);
  const std::unique_ptr<StateBatch> states = states_of(b, c, data);
  MlstmData empty = data;
  for (auto* values : {&empty.q, &empty.k, &empty.v, &empty.i, &empty.f}) values->clear();
  const Tensor h = b.mlstm_cell(input_of(b, c, empty), spec_of(c), {*states, 0});
  EXPECT_EQ(h.shape(), (TensorShape{0, 12}));
  EXPECT_EQ(values_of(b, states->take(0)), data.C);
}

TEST_P(Cell, AForkIsNotWrittenTo) {
  const MlstmCase c{"fork", 1, 1, 2, 16, 32};
  const MlstmData data = make_data(c);
  const MlstmCellInput in = input_of(b, c, data);
  const std::unique_ptr<StateBatch> states = states_of(b, c, data);
  const State held = states->remove(0);
  const auto step = [&] {
    const std::unique_ptr<StateBatch> fork = b.state_batch();
    fork->add(held);
    return values_of(b, b.mlstm_cell(in, spec_of(c), {*fork, 0}));
  };
  const auto first = step();
  EXPECT_EQ(values_of(b, held.tensors[0]), data.C);
  EXPECT_EQ(step(), first);
}

TEST_P(Cell, StatesOfOtherShapesAreRefused) {
  const MlstmCase c{"shapes", 1, 1, 2, 16, 32};
  const MlstmData data = make_data(c);
  const std::unique_ptr<StateBatch> two = states_of(b, c, data);
  two->add(State(two->remove(0)));
  two->add({{b.filled({2, 16, 32}, 0), b.filled({2, 16}, 0), b.filled({2}, 0)}});
  EXPECT_THROW(b.mlstm_cell(input_of(b, c, data), spec_of(c), {*two, 0}), Error);  // T = 1, B = 2
  EXPECT_THROW(two->add({{b.filled({2, 16, 32}, 0)}}), Error);
}

TEST_P(Cell, InputsOfOtherShapesAreRefused) {
  const MlstmCase c{"shapes", 1, 3, 2, 16, 32};
  const MlstmData data = make_data(c);
  const std::unique_ptr<StateBatch> states = states_of(b, c, data);
  for (Tensor MlstmCellInput::*const part :
       {&MlstmCellInput::q, &MlstmCellInput::k, &MlstmCellInput::v, &MlstmCellInput::i,
        &MlstmCellInput::f}) {
    MlstmCellInput in = input_of(b, c, data);
    in.*part = b.filled({3, 7}, 0);
    EXPECT_THROW(b.mlstm_cell(in, spec_of(c), {*states, 0}), Error);
  }
  EXPECT_EQ(values_of(b, states->take(0)), data.C);
}

}  // namespace
}  // namespace xlstm::testing
