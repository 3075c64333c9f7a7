// The part of the emulator that is written for each processor.
#include "tests/metal/emulator/fibers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/metal/emulator/fiber_switch.h"

namespace xlstm::metal_emulator {
namespace {

struct Shared {
  Fibers fibers{5};
  std::vector<double> results = std::vector<double>(5);
  int finished = 0;
};

// Its sums live in registers over every switch: those of all other fibers are in the same ones
// meanwhile.
void sum_slowly(void* argument, std::size_t fiber) {
  auto& shared = *static_cast<Shared*>(argument);
  double a = static_cast<double>(fiber), b = 0, c = 1, d = 2, e = 3;
  std::size_t i = fiber, j = fiber + 1, k = fiber + 2, l = fiber + 3, m = fiber + 4;
  for (int round = 0; round < 100; ++round) {
    shared.fibers.give_way();
    a += 1, b += a, c += 0.5, d += c, e -= 1;
    i += 1, j += 2, k += 3, l += 4, m += 5;
  }
  shared.results[fiber] = a + b + c + d + e + static_cast<double>(i + j + k + l + m);
  ++shared.finished;
  shared.fibers.give_way();
}

// What sum_slowly comes to, without a switch.
double sum_at_once(std::size_t fiber) {
  double a = static_cast<double>(fiber), b = 0, c = 1, d = 2, e = 3;
  for (int round = 0; round < 100; ++round) a += 1, b += a, c += 0.5, d += c, e -= 1;
  return a + b + c + d + e + static_cast<double>(5 * fiber + 10 + 1500);
}

TEST(Fibers, KeepTheirRegistersOverSwitches) {
  Shared shared;
  for (std::size_t f = 0; f < 5; ++f) shared.fibers.prepare(f, &sum_slowly, &shared);
  for (int round = 0; round <= 100; ++round) {
    EXPECT_EQ(shared.finished, 0);
    for (std::size_t f = 5; f-- > 0;) shared.fibers.resume(f);
  }
  EXPECT_EQ(shared.finished, 5);
  for (std::size_t f = 0; f < 5; ++f) EXPECT_EQ(shared.results[f], sum_at_once(f)) << f;
}

TEST(Fibers, KnowTheirStacks) {
  struct Seen {
    Fibers fibers{2};
    const void* local[2] = {};
  } seen;
  const auto note = [](void* argument, std::size_t fiber) {
    auto& s = *static_cast<Seen*>(argument);
    alignas(16) int here = 0;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&here) % 16, 0U);
    s.local[fiber] = &here;
    s.fibers.give_way();
  };
  for (std::size_t f : {0U, 1U}) {
    seen.fibers.prepare(f, note, &seen);
    seen.fibers.resume(f);
    EXPECT_EQ(seen.fibers.running(), f);
  }
  EXPECT_TRUE(seen.fibers.in_stack_of(0, seen.local[0]));
  EXPECT_FALSE(seen.fibers.in_stack_of(0, seen.local[1]));
  EXPECT_FALSE(seen.fibers.in_guard_of(1, seen.local[1]));
  EXPECT_TRUE(seen.fibers.in_any_stack(seen.local[1]));
  const int outside = 0;
  EXPECT_FALSE(seen.fibers.in_any_stack(&outside));
}

TEST(Fibers, BeginAgainWhereTheyWereLeft) {
  Shared shared;
  for (int time = 0; time < 3; ++time) {  // left in the middle, as after a fault
    shared.fibers.prepare(0, &sum_slowly, &shared);
    for (int round = 0; round < 7; ++round) shared.fibers.resume(0);
  }
  EXPECT_EQ(shared.finished, 0);
}

TEST(FlushDenormals, OnlyWhileItLives) {
  volatile float small = 1e-39F, one = 1;
  EXPECT_NE(small * one, 0.0F);
  {
    const FlushDenormals flush(true);
    EXPECT_EQ(small * one, 0.0F);
    volatile float normal = 2e-38F, quarter = 0.25F;
    EXPECT_EQ(normal * quarter, 0.0F);
  }
  EXPECT_NE(small * one, 0.0F);
}

}  // namespace
}  // namespace xlstm::metal_emulator
