// Rows of a batch join and leave in any order, and forks stay what they are.
#include <gtest/gtest.h>

#include "tests/backend/backends.h"
#include "xlstm/base/error.h"

namespace xlstm::testing {
namespace {

class States : public ::testing::TestWithParam<BackendCase> {
 protected:
  States() : backend_(GetParam().make()), b(*backend_) {}

  State state(float value, std::uint64_t position) {
    return {{b.filled({2, 3}, value), b.filled({4}, -value)}, position};
  }

  std::shared_ptr<Backend> backend_;
  Backend& b;
};

INSTANTIATE_TEST_SUITE_P(Backends, States, ::testing::ValuesIn(all_backends()), backend_name);

TEST_P(States, RowsJoinAndLeaveInAnyOrder) {
  const std::unique_ptr<StateBatch> batch = b.state_batch();
  EXPECT_EQ(batch->rows(), 0U);
  for (const int row : {1, 2, 3}) batch->add(state(static_cast<float>(row), 10 * row));
  const State second = batch->remove(1);
  EXPECT_EQ(second.position, 20U);
  EXPECT_EQ(values_of(b, second.tensors[0]), std::vector<float>(6, 2));
  EXPECT_EQ(values_of(b, second.tensors[1]), std::vector<float>(4, -2));
  batch->add(state(4, 40));
  batch->evaluate();
  EXPECT_EQ(batch->positions(), (std::vector<std::uint64_t>{10, 30, 40}));
  EXPECT_EQ(values_of(b, batch->remove(2).tensors[0]), std::vector<float>(6, 4));
  EXPECT_EQ(values_of(b, batch->remove(0).tensors[0]), std::vector<float>(6, 1));
  EXPECT_EQ(values_of(b, batch->remove(0).tensors[1]), std::vector<float>(4, -3));
  EXPECT_EQ(batch->rows(), 0U);
  EXPECT_THROW(batch->remove(0), Error);
}

TEST_P(States, TensorsOfAllRowsCanBeTakenAndPut) {
  const std::unique_ptr<StateBatch> batch = b.state_batch();
  const State held = state(1, 5);
  batch->add(held);
  batch->add(state(2, 6));
  const Tensor all = batch->take(0);
  EXPECT_EQ(all.shape(), (TensorShape{2, 2, 3}));
  EXPECT_EQ(values_of(b, all), (std::vector<float>{1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2}));
  batch->put(0, b.filled({2, 2, 3}, 7));
  EXPECT_EQ(values_of(b, batch->remove(0).tensors[0]), std::vector<float>(6, 7));
  EXPECT_EQ(values_of(b, held.tensors[0]), std::vector<float>(6, 1));
}

TEST_P(States, TensorsThatAreNotThoseOfTheOthersAreRefused) {
  const std::unique_ptr<StateBatch> batch = b.state_batch();
  batch->add(state(1, 0));
  EXPECT_THROW(batch->add({{b.filled({2, 3}, 0)}}), Error);
  EXPECT_THROW(batch->add({{b.filled({2, 4}, 0), b.filled({4}, 0)}}), Error);
  EXPECT_EQ(batch->rows(), 1U);
}

TEST_P(States, BytesAreThoseOfItsTensorsAtAnyPosition) {
  State one = state(1, 0);
  EXPECT_EQ(one.bytes(), 40U);
  one.next_logits = b.filled({5}, 0);
  EXPECT_EQ(one.bytes(), 40U);
}

}  // namespace
}  // namespace xlstm::testing
