// Accesses that no barrier orders.
#include <cmath>

#include "tests/metal/planted_fault.h"

namespace xlstm::metal_emulator {
namespace {

// Two SIMD groups; each thread reads what a thread of the other wrote.
TestKernel exchange(const std::string& between) {
  return float_kernel(
      "uint t = thread_index_in_threadgroup;\n"
      "threadgroup float shared[64];\n"
      "shared[t] = x[t];\n" +
          between +
          "\n"
          "y[t] = shared[63 - t];  // here\n",
      64, 64, 64);
}

TEST(Races, ExchangeWithTheBarrierHasNone) {
  const TestKernel kernel = exchange("threadgroup_barrier(mem_flags::mem_threadgroup);");
  EXPECT_NO_THROW(run(kernel.launch(), {input()}, kChecked));
}

TEST(Races, MissingBarrier) {
  expect_fault(exchange(""), {"uninitialised", "shared", "`y[t] = shared[63 - t];"});
  expect_fault(exchange(""), {"race", "shared", "`y[t] = shared[63 - t];", "`shared[t] = x[t];`"});
  EXPECT_TRUE(std::isnan(values_unchecked(exchange(""))[0]));
}

// The results are right, in every order that the emulator tries: only the checks tell.
TEST(Races, BarrierWithoutMemoryOrForTheOtherMemory) {
  for (const char* flags : {"mem_none", "mem_device"}) {
    const TestKernel kernel = exchange(str("threadgroup_barrier(mem_flags::", flags, ");"));
    EXPECT_EQ(values_unchecked(kernel)[0], values_of(input())[63]);
    expect_fault(kernel, {"race", "shared[63 - t]"});
  }
}

TEST(Races, SimdgroupBarrierWhereTheGroupsIsNeeded) {
  expect_fault(exchange("simdgroup_barrier(mem_flags::mem_threadgroup);"),
               {"race", "shared[63 - t]"});
}

TEST(Races, WriteWhileOthersStillRead) {
  constexpr const char* kSource = R"(
    uint t = thread_index_in_threadgroup;
    threadgroup float shared[64];
    float sum = 0.0f;
    for (int i = 0; i < 3; ++i) {
      shared[t] = x[t] + float(i);
      threadgroup_barrier(mem_flags::mem_threadgroup);
      sum += shared[63 - t];
    }
    y[t] = sum;
  )";
  expect_fault(
      float_kernel(kSource, 64, 64, 64),
      {"race", "writes", "`shared[t] = x[t] + float(i);`", "reads", "`sum += shared[63 - t];`"});
}

// SIMD lanes do not run in lock step as far as memory is concerned.
TEST(Races, NeighbourLaneWithoutSimdgroupBarrier) {
  const auto neighbour = [](const std::string& between) {
    return float_kernel(
        "uint t = thread_index_in_threadgroup;\n"
        "threadgroup float shared[32];\n"
        "shared[t] = x[t];\n" +
            between + "\ny[t] = shared[t > 0 ? t - 1 : t];\n",
        32, 32, 32);
  };
  EXPECT_EQ(values_unchecked(neighbour(""))[5], values_of(input())[4]);
  EXPECT_TRUE(std::isnan(values_unchecked(neighbour(""), 1)[5]) ||
              std::isnan(values_unchecked(neighbour(""), 1)[6]));
  expect_fault(neighbour(""), {"race", "shared[t > 0 ? t - 1 : t]"});
  EXPECT_NO_THROW(run(neighbour("simdgroup_barrier(mem_flags::mem_threadgroup);").launch(),
                      {input()}, kChecked));
}

TEST(Races, ThreadgroupsThatWriteTheSameValue) {
  const TestKernel kernel = float_kernel("y[thread_index_in_threadgroup] = 1.0f;\n", 32, 64, 32);
  EXPECT_EQ(values_unchecked(kernel)[3], 1);
  expect_fault(kernel, {"race", "threadgroup (1, 0, 0)", "threadgroup (0, 0, 0)", "\"y\""});
}

// A barrier orders device memory within its threadgroup alone.
TEST(Races, ThreadgroupReadsWhatAnotherWrote) {
  constexpr const char* kSource = R"(
    uint i = thread_position_in_grid.x;
    y[i] = x[i];
    threadgroup_barrier(mem_flags::mem_device);
    if (i == 40) y[40] += y[1];
  )";
  expect_fault(float_kernel(kSource, 64, 64, 32),
               {"race", "threadgroup (1, 0, 0)", "reads", "`if (i == 40) y[40] += y[1];`"});
}

// Another threadgroup read the cell, and then its own did: the write meets both.
TEST(Races, WriteAfterReadsOfTwoThreadgroups) {
  constexpr const char* kSource = R"(
    uint i = thread_position_in_grid.x;
    float before = y[0];
    threadgroup_barrier(mem_flags::mem_device);
    if (i == 63) y[0] = before;
  )";
  TestKernel kernel = float_kernel(kSource, 64, 64, 32);
  kernel.init_value = 0.0F;
  expect_fault(kernel, {"race", "writes", "`if (i == 63) y[0] = before;`"});
}

TEST(Races, PlainChangeOfWhatOthersChangeAtomically) {
  constexpr const char* kSource = R"(
    device float* plain = (device float*)y;
    if (thread_position_in_grid.x == 5) {
      plain[0] += 1.0f;
    } else {
      atomic_fetch_add_explicit(&y[0], 1.0f, memory_order_relaxed);
    }
  )";
  TestKernel kernel = float_kernel(kSource, 1, 32, 32);
  kernel.atomic_outputs = true;
  kernel.init_value = 0.0F;
  expect_fault(kernel, {"race", "`plain[0] += 1.0f;`"});
}

}  // namespace
}  // namespace xlstm::metal_emulator
