#include "xlstm/model/weight_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "mlx/ops.h"
#include "tests/support/expect_error.h"
#include "xlstm/base/large_pages.h"
#include "xlstm/ops/evaluate.h"
#include "xlstm/ops/ops.h"
#include "xlstm/ops/weight_pointers.h"

namespace xlstm {
namespace {
namespace mx = mlx::core;

std::uintptr_t address(const mx::array& a) {
  return reinterpret_cast<std::uintptr_t>(a.data<std::byte>());
}

bool in_one_piece() {
  return ops::on_cpu() && large_page_bytes() > 0;
}

void fill(mx::array& a, float value) {
  std::fill_n(a.data<float>(), a.size(), value);
}

void expect_all(const mx::array& a, float value) {
  mx::array same = mx::all(mx::equal(a, mx::array(value)));
  ops::evaluate({same});
  EXPECT_TRUE(same.item<bool>()) << value;
}

TEST(WeightMemory, HoldsArraysSideBySide) {
  constexpr std::uint64_t kBytes = 4 * (7 * 33 + 5 + 64 * 64);
  WeightMemory memory(WeightMemory::room_for(kBytes, 3));
  std::vector<mx::array> arrays;
  for (const mx::Shape& shape : {mx::Shape{7, 33}, mx::Shape{5}, mx::Shape{64, 64}}) {
    arrays.push_back(memory.take(shape, mx::float32, "test"));
    EXPECT_EQ(arrays.back().shape(), shape);
    fill(arrays.back(), static_cast<float>(arrays.size()));
  }
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    expect_all(arrays[i], static_cast<float>(i + 1));
    expect_all(mx::transpose(arrays[i]), static_cast<float>(i + 1));
    if (!in_one_piece()) continue;
    EXPECT_EQ(address(arrays[i]) % 64, 0U);
    if (i == 0) continue;
    EXPECT_LE(address(arrays[i]) - address(arrays[i - 1]), arrays[i - 1].nbytes() + 63);
  }
}

TEST(WeightMemory, StaysWhileAnArrayDoes) {
  mx::array kept(0.0F);
  {
    WeightMemory memory(WeightMemory::room_for(8 << 20, 2));
    mx::array other = memory.take({1 << 20}, mx::float32, "test");
    kept = memory.take({1 << 20}, mx::float32, "test");
    fill(other, 1);
    fill(kept, 2);
  }
  expect_all(kept, 2);
}

TEST(WeightMemory, GivesWhatDoesNotFitMemoryOfItsOwn) {
  WeightMemory none(0), small(WeightMemory::room_for(16, 1));
  for (WeightMemory* memory : {&none, &small}) {
    mx::array a = memory->take({3 << 20}, mx::float32, "test");
    mx::array b = memory->take({4}, mx::float32, "test");
    fill(a, 3);
    fill(b, 4);
    expect_all(a, 3);
    expect_all(b, 4);
  }
}

// Weights would lie in memory twice if kernels read copies.
TEST(WeightMemory, IsWhereKernelsRead) {
  WeightMemory memory(WeightMemory::room_for(8 << 20, 2));
  ops::Dense dense = {memory.take({8, 4}, mx::float32, "test"), {}};
  auto& weight = std::get<mx::array>(dense.weight);
  fill(weight, 1);
  EXPECT_EQ(address(std::get<mx::array>(ops::settled(dense).weight)), address(weight));
}

TEST(WeightMemory, StartsAtALargePageIfItFillsMany) {
  if (!in_one_piece()) GTEST_SKIP() << "no large pages here";
  const std::uint64_t large = large_page_bytes();
  const mx::Shape shape = {20, static_cast<int>(large)};
  WeightMemory memory(WeightMemory::room_for(20 * large, 1));
  EXPECT_EQ(address(memory.take(shape, mx::uint8, "test")) % large, 0U);
}

TEST(WeightMemory, RefusesWhatNoMachineHas) {
  if (!in_one_piece()) GTEST_SKIP() << "no large pages here";
  expect_error(ErrorKind::kMemory, {"weights", "1.0 PiB"},
               [] { WeightMemory memory(std::uint64_t{1} << 50); });
}

}  // namespace
}  // namespace xlstm
