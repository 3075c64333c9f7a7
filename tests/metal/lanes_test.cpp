// Threads that do not come to the same place, what is assumed of lanes, and launches that cannot
// be.
#include <cmath>

#include "tests/metal/planted_fault.h"

namespace xlstm::metal_emulator {
namespace {

TEST(Divergence, BarrierInBothArmsOfABranch) {
  constexpr const char* kSource = R"(
    uint t = thread_index_in_threadgroup;
    if (t < 32) { threadgroup_barrier(mem_flags::mem_none); } else { threadgroup_barrier(mem_flags::mem_none); }
    y[t] = x[t];
  )";
  const TestKernel kernel = float_kernel(kSource, 64, 64, 64);
  for (const Options& options : {Options{}, kChecked}) {
    expect_fault(kernel, {"divergence", "threadgroup_barrier", "test_float_float:", "`if (t < 32)"},
                 options);
  }
}

TEST(Divergence, ThreadThatReturnsBeforeABarrier) {
  constexpr const char* kSource = R"(
    uint t = thread_index_in_threadgroup;
    y[t] = x[t];
    if (t == 40) return;
    threadgroup_barrier(mem_flags::mem_device);
  )";
  const TestKernel kernel = float_kernel(kSource, 64, 64, 64);
  expect_fault(
      kernel,
      {"divergence", "thread 40", "returned", "`threadgroup_barrier(mem_flags::mem_device);`"}, {});
}

TEST(Divergence, SimdSumByHalfOfTheLanes) {
  constexpr const char* kSource = R"(
    uint t = thread_index_in_threadgroup;
    float sum = x[t];
    if (t % 32 < 16) sum = simd_sum(sum);
    threadgroup_barrier(mem_flags::mem_none);
    y[t] = sum;
  )";
  const TestKernel kernel = float_kernel(kSource, 64, 64, 64);
  expect_fault(kernel, {"divergence", "simd_sum", "threadgroup_barrier", "`if (t % 32 < 16)"}, {});
}

TEST(Divergence, ShuffleFromALaneThatIsNotThere) {
  constexpr const char* kSource = R"(
    uint t = thread_position_in_grid.x;
    y[t] = simd_shuffle(x[t], 20);
  )";
  expect_fault(float_kernel(kSource, 40, 40, 40),
               {"simd_shuffle", "a lane that is not there", "`y[t] = simd_shuffle(x[t], 20);`"},
               {});
}

TEST(Divergence, MatrixInAPartOfASimdGroup) {
  constexpr const char* kSource = R"(
    simdgroup_float8x8 m = simdgroup_float8x8(0.0f);
    simdgroup_store(m, y, 8);
    (void)thread_position_in_grid;
  )";
  expect_fault(float_kernel(kSource, 64, 16, 16), {"simdgroup_store", "needs all 32 lanes"}, {});
}

// It reads elements by where today's devices happen to keep them.
TEST(SimdLanes, OrderOfAMatrixTakenForGranted) {
  constexpr const char* kSource = R"(
    uint t = thread_index_in_simdgroup;
    simdgroup_float8x8 m;
    simdgroup_load(m, x, 8);
    uint row = (t >> 4 & 1) * 4 + (t >> 1 & 3), column = (t >> 3 & 1) * 4 + (t & 1) * 2;
    y[row * 8 + column] = m.thread_elements()[0];
    y[row * 8 + column + 1] = m.thread_elements()[1];
  )";
  const TestKernel kernel = float_kernel(kSource, 64, 32, 32);
  EXPECT_EQ(values_unchecked(kernel), values_of(input()));
  EXPECT_NE(values_of(run(kernel.launch(), {input()}, {.permute_matrices = true})[0]),
            values_of(input()));
}

// A SIMD group has 32 lanes, not 64: what is meant to be a sum of all 64 threads is one of half of
// them.
TEST(SimdLanes, WidthTakenForSixtyFour) {
  constexpr const char* kSource = R"(
    uint t = thread_index_in_threadgroup;
    y[t] = simd_sum(1.0f);
  )";
  constexpr const char* kShuffle = R"(
    uint t = thread_index_in_threadgroup;
    y[t] = simd_shuffle(x[t], 63 - t);
  )";
  EXPECT_EQ(values_unchecked(float_kernel(kSource, 64, 64, 64))[0], 32);
  expect_fault(float_kernel(kShuffle, 64, 64, 64), {"a lane that is not there"});
}

TEST(Launch, ThreadgroupOfMoreThan1024Threads) {
  expect_fault(float_kernel("y[thread_position_in_grid.x] = x[0];\n", 2000, 2000, 1025),
               {"1 to 1024", "(1025, 1, 1)"});
}

TEST(Launch, TextThatDoesNotCompile) {
  expect_fault(float_kernel("y[thread_position_in_grid.x] = metal::erf(x[0]);\n", 4, 4, 4),
               {"does not compile", "erf"});
}

// As a bfloat is not made from a float without saying so.
TEST(Launch, ConversionThatMetalDoesNotMake) {
  constexpr const char* kSource = R"(
    bfloat b = x[0];
    y[thread_position_in_grid.x] = float(b);
  )";
  expect_fault(float_kernel(kSource, 4, 4, 4), {"does not compile", "bfloat"});
}

// Where the text says which file it is from, messages say so.
TEST(Launch, LinesOfTheFileThatTheTextNames) {
  constexpr const char* kSource = R"(
    uint i = thread_position_in_grid.x;
#line 100 "kernels/step.metal"
    y[i] = x[i];
    y[i + 1] = x[i];
  )";
  expect_fault(float_kernel(kSource, 64, 64, 64), {"step.metal:101: out of bounds"});
}

}  // namespace
}  // namespace xlstm::metal_emulator
