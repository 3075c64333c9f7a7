#include "xlstm/cpu/workspace.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <thread>

#include "xlstm/base/error.h"

namespace xlstm::cpu {
namespace {

TEST(Workspace, BlocksAreLargeEnoughAndAligned) {
  const auto workspace = std::make_shared<Workspace>();
  for (std::size_t bytes = 0; bytes < 5000; bytes = bytes * 9 / 8 + 1) {
    const auto block = workspace->take(bytes, "test");
    ASSERT_NE(block->bytes, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block->bytes) % 64, 0U);
    std::memset(block->bytes, 0xFF, bytes);  // sanitizers watch the end
    EXPECT_GE(workspace->memory().active, bytes);
    EXPECT_LE(workspace->memory().active, std::max<std::size_t>(256, bytes + bytes / 4)) << bytes;
  }
}

TEST(Workspace, BlocksComeBackToBeUsedAgain) {
  const auto workspace = std::make_shared<Workspace>();
  const std::byte* first = workspace->take(10'000, "test")->bytes;
  EXPECT_EQ(workspace->memory().active, 0U);
  EXPECT_GE(workspace->memory().cache, 10'000U);
  const auto again = workspace->take(10'000, "test");
  EXPECT_EQ(again->bytes, first);
  EXPECT_EQ(workspace->memory().cache, 0U);
  EXPECT_EQ(workspace->memory().peak, workspace->memory().active);
}

TEST(Workspace, ABlockOutlivesIt) {
  auto workspace = std::make_shared<Workspace>();
  const auto block = workspace->take(100, "test");
  workspace.reset();
  std::memset(block->bytes, 1, 100);
}

TEST(Workspace, WhatNoMachineHasIsRefusedByName) {
  const auto workspace = std::make_shared<Workspace>();
  for (const std::size_t bytes : {std::size_t{1} << 50, SIZE_MAX}) {
    try {
      workspace->take(bytes, "a tensor");
      FAIL() << "took " << bytes;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kMemory);
      EXPECT_NE(std::string(error.what()).find("[a tensor] wanted "), std::string::npos);
    }
  }
  EXPECT_EQ(workspace->memory().active, 0U);
}

TEST(Workspace, ThreadsMayTakeAndDropAtOnce) {
  const auto workspace = std::make_shared<Workspace>();
  const auto work = [&] {
    for (std::size_t i = 1; i < 2000; ++i) workspace->take(i % 37 * 100, "test");
  };
  std::thread other(work);
  work();
  other.join();
  EXPECT_EQ(workspace->memory().active, 0U);
}

}  // namespace
}  // namespace xlstm::cpu
