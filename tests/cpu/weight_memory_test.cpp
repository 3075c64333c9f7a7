#include "xlstm/cpu/weight_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/support/expect_error.h"
#include "xlstm/base/large_pages.h"
#include "xlstm/cpu/cpu_tensor.h"

namespace xlstm::cpu {
namespace {

std::uintptr_t address(const Tensor& tensor) {
  return reinterpret_cast<std::uintptr_t>(data_of(tensor));
}

void fill(const Tensor& tensor, float value) {
  std::fill_n(floats_of(tensor), tensor.elements(), value);
}

void expect_all(const Tensor& tensor, float value) {
  const float* const begin = floats_of(tensor);
  EXPECT_EQ(std::count(begin, begin + tensor.elements(), value), tensor.elements()) << value;
}

CpuWeightMemory memory_for(std::uint64_t bytes, std::uint64_t tensors) {
  return {std::make_shared<Workspace>(), bytes, tensors};
}

TEST(WeightMemory, HoldsTensorsSideBySide) {
  CpuWeightMemory memory = memory_for(4 * (7 * 33 + 5 + 64 * 64), 3);
  std::vector<Tensor> tensors;
  for (const TensorShape& shape : {TensorShape{7, 33}, TensorShape{5}, TensorShape{64, 64}}) {
    tensors.push_back(memory.take(shape, DType::kF32, "test"));
    EXPECT_EQ(tensors.back().shape(), shape);
    fill(tensors.back(), static_cast<float>(tensors.size()));
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    expect_all(tensors[i], static_cast<float>(i + 1));
    EXPECT_EQ(address(tensors[i]) % 64, 0U);
    if (i == 0 || large_page_bytes() == 0) continue;
    EXPECT_LE(address(tensors[i]) - address(tensors[i - 1]), tensors[i - 1].bytes() + 63);
  }
}

TEST(WeightMemory, StaysWhileATensorDoes) {
  Tensor kept;
  {
    CpuWeightMemory memory = memory_for(8 << 20, 2);
    const Tensor other = memory.take({1 << 20}, DType::kF32, "test");
    kept = memory.take({1 << 20}, DType::kF32, "test");
    fill(other, 1);
    fill(kept, 2);
  }
  expect_all(kept, 2);
}

TEST(WeightMemory, IsCountedWhileItIsHeld) {
  const auto workspace = std::make_shared<Workspace>();
  {
    CpuWeightMemory memory(workspace, 1 << 20, 1);
    const Tensor tensor = memory.take({1 << 18}, DType::kF32, "test");
    EXPECT_GE(workspace->memory().active, std::uint64_t{1} << 20);
  }
  EXPECT_EQ(workspace->memory().active, 0U);
}

TEST(WeightMemory, GivesWhatDoesNotFitMemoryOfItsOwn) {
  for (const std::uint64_t bytes : {0, 16}) {
    CpuWeightMemory memory = memory_for(bytes, 1);
    const Tensor a = memory.take({3 << 20}, DType::kF32, "test");
    const Tensor b = memory.take({4}, DType::kF32, "test");
    fill(a, 3);
    fill(b, 4);
    expect_all(a, 3);
    expect_all(b, 4);
  }
}

TEST(WeightMemory, StartsAtALargePageIfItFillsMany) {
  const std::uint64_t large = large_page_bytes();
  if (large == 0) GTEST_SKIP() << "no large pages here";
  CpuWeightMemory memory = memory_for(20 * large, 1);
  const Tensor tensor = memory.take({20, static_cast<std::int64_t>(large)}, DType::kU8, "test");
  EXPECT_EQ(address(tensor) % large, 0U);
}

TEST(WeightMemory, RefusesWhatNoMachineHas) {
  if (large_page_bytes() == 0) GTEST_SKIP() << "no large pages here";
  expect_error(ErrorKind::kMemory, {"weights", "1.0 PiB"},
               [] { memory_for(std::uint64_t{1} << 50, 1); });
}

}  // namespace
}  // namespace xlstm::cpu
