// Ops work in memory of their own unless nobody else holds what they are given.
#include <gtest/gtest.h>

#include <utility>

#include "xlstm/cpu/cpu_backend.h"

namespace xlstm::testing {
namespace {

TEST(InPlace, OpsTakeOverWhatNobodyElseHolds) {
  const auto backend = cpu::make_backend(1);
  Backend& b = *backend;
  const auto memory_of = [&](const Tensor& x) { return b.read(x).data(); };
  Tensor x = b.filled({4, 8}, 1);
  const Tensor y = b.filled({4, 8}, 2);
  const std::byte* const memory = memory_of(x);
  x = b.add(std::move(x), y);
  x = b.multiply(std::move(x), y);
  x = b.sigmoid(std::move(x));
  x = b.soft_cap(std::move(x), 15);
  EXPECT_EQ(memory_of(x), memory);
  const Tensor held = x;
  x = b.add(std::move(x), y);
  EXPECT_NE(memory_of(x), memory);
  EXPECT_NE(b.read_floats(held)[0], b.read_floats(x)[0]);
}

TEST(InPlace, StepsUseTheMemoryOfTheLastOne) {
  const auto backend = cpu::make_backend(1);
  Backend& b = *backend;
  const auto step = [&] {
    const Tensor x = b.filled({1, 1000}, 1);
    return b.add(b.sigmoid(x), x);
  };
  step();
  const std::uint64_t active = b.memory().active;
  const std::uint64_t cached = b.memory().cache;
  EXPECT_GT(cached, 0U);
  for (int i = 0; i < 5; ++i) step();
  EXPECT_EQ(b.memory().active, active);
  EXPECT_EQ(b.memory().cache, cached);
  b.drop_cache();
  EXPECT_EQ(b.memory().cache, 0U);
}

}  // namespace
}  // namespace xlstm::testing
