#include "xlstm/backend/tensor.h"

#include <gtest/gtest.h>

#include "xlstm/base/error.h"

namespace xlstm::testing {
namespace {

TEST(TensorShape, CountsElementsAndRows) {
  EXPECT_EQ(TensorShape().elements(), 1);
  EXPECT_EQ((TensorShape{2, 3, 5}).elements(), 30);
  EXPECT_EQ((TensorShape{2, 3, 5}).rows(), 6);
  EXPECT_EQ((TensorShape{2, 0}).rows(), 0);
  EXPECT_EQ((TensorShape{2, 3}).with_last(7), (TensorShape{2, 7}));
  EXPECT_EQ(to_string(TensorShape{2, 3}), "[2, 3]");
  EXPECT_EQ(to_shape(TensorShape{2, 3}), (Shape{2, 3}));
}

TEST(TensorShape, RefusesMoreAxesThanItHolds) {
  EXPECT_THROW((TensorShape{1, 1, 1, 1, 1}), Error);
  EXPECT_THROW(TensorShape(Shape{1, 1, 1, 1, 1}), Error);
  EXPECT_THROW(TensorShape(Shape{2, -1}), Error);
}

TEST(Tensor, KnowsWhetherItIsShared) {
  const Tensor none;
  EXPECT_FALSE(none);
  Tensor one({2}, DType::kF32, std::make_shared<TensorData>());
  EXPECT_TRUE(one);
  EXPECT_EQ(one.bytes(), 8U);
  EXPECT_FALSE(one.is_shared());
  const Tensor two = one;
  EXPECT_TRUE(one.is_shared());
  EXPECT_TRUE(two.is_shared());
}

}  // namespace
}  // namespace xlstm::testing
