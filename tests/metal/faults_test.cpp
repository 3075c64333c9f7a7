// Kernels with a fault each. What a report has to hold is the kind of the fault and the line of the text.
#include <gtest/gtest.h>

#include "tests/metal/test_kernel.h"
#include "tests/support/expect_error.h"

namespace xlstm::metal_emulator {
namespace {

constexpr Options kChecked{.checked = true};
mx::array input() { return random_array({64}, 1); }

void expect_fault(const TestKernel& kernel, const std::vector<std::string>& pieces,
                  const Options& options = kChecked) {
  expect_error(ErrorKind::kInternal, pieces, [&] { run(kernel.launch(), {input()}, options); });
}

// What a kernel gives in a run that checks no access.
std::vector<double> values_unchecked(const TestKernel& kernel, unsigned seed = 0) {
  return values_of(run(kernel.launch(), {input()}, {.seed = seed})[0]);
}

// Two SIMD groups; each thread reads what a thread of the other wrote.
TestKernel exchange(const std::string& between) {
  return float_kernel("uint t = thread_index_in_threadgroup;\n"
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
  expect_fault(exchange("simdgroup_barrier(mem_flags::mem_threadgroup);"), {"race", "shared[63 - t]"});
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
  expect_fault(float_kernel(kSource, 64, 64, 64), {"race", "writes", "`shared[t] = x[t] + float(i);`", "reads", "`sum += shared[63 - t];`"});
}

// SIMD lanes do not run in lock step as far as memory is concerned.
TEST(Races, NeighbourLaneWithoutSimdgroupBarrier) {
  const auto neighbour = [](const std::string& between) {
    return float_kernel("uint t = thread_index_in_threadgroup;\n"
                        "threadgroup float shared[32];\n"
                        "shared[t] = x[t];\n" +
                            between + "\ny[t] = shared[t > 0 ? t - 1 : t];\n",
                        32, 32, 32);
  };
  EXPECT_EQ(values_unchecked(neighbour(""))[5], values_of(input())[4]);
  EXPECT_TRUE(std::isnan(values_unchecked(neighbour(""), 1)[5]) || std::isnan(values_unchecked(neighbour(""), 1)[6]));
  expect_fault(neighbour(""), {"race", "shared[t > 0 ? t - 1 : t]"});
  EXPECT_NO_THROW(run(neighbour("simdgroup_barrier(mem_flags::mem_threadgroup);").launch(), {input()}, kChecked));
}

TEST(Races, ThreadgroupsThatWriteTheSameValue) {
  const TestKernel kernel = float_kernel("y[thread_index_in_threadgroup] = 1.0f;\n", 32, 64, 32);
  EXPECT_EQ(values_unchecked(kernel)[3], 1);
  expect_fault(kernel, {"race", "threadgroup (1, 0, 0)", "threadgroup (0, 0, 0)", "\"y\""});
}

// A barrier orders device memory within its threadgroup alone.
TEST(Races, ThreadgroupReadsWhatAnotherWrote) {
  expect_fault(float_kernel("uint i = thread_position_in_grid.x;\n"
                            "y[i] = x[i];\n"
                            "threadgroup_barrier(mem_flags::mem_device);\n"
                            "if (i == 40) y[40] += y[1];\n",
                            64, 64, 32),
               {"race", "threadgroup (1, 0, 0)", "reads", "`if (i == 40) y[40] += y[1];`"});
}

// Another threadgroup read the cell, and then its own did: the write meets both.
TEST(Races, WriteAfterReadsOfTwoThreadgroups) {
  TestKernel kernel = float_kernel("uint i = thread_position_in_grid.x;\n"
                                   "float before = y[0];\n"
                                   "threadgroup_barrier(mem_flags::mem_device);\n"
                                   "if (i == 63) y[0] = before;\n",
                                   64, 64, 32);
  kernel.init_value = 0.0F;
  expect_fault(kernel, {"race", "writes", "`if (i == 63) y[0] = before;`"});
}

TEST(Races, PlainChangeOfWhatOthersChangeAtomically) {
  TestKernel kernel = float_kernel("device float* plain = (device float*)y;\n"
                                   "if (thread_position_in_grid.x == 5) {\n"
                                   "  plain[0] += 1.0f;\n"
                                   "} else {\n"
                                   "  atomic_fetch_add_explicit(&y[0], 1.0f, memory_order_relaxed);\n"
                                   "}\n",
                                   1, 32, 32);
  kernel.atomic_outputs = true;
  kernel.init_value = 0.0F;
  expect_fault(kernel, {"race", "`plain[0] += 1.0f;`"});
}

TEST(Bounds, OneRowPastAnInput) {
  const TestKernel kernel = float_kernel("uint i = thread_position_in_grid.x;\ny[i] = x[i + 32];\n", 64, 64, 64);
  expect_fault(kernel, {"out of bounds", "reads", "byte 256 of the 256 of \"x\"", "`y[i] = x[i + 32];`"});
  expect_fault(kernel, {"out of bounds", "\"x\"", "x[i + 32]"}, {});  // the memory is not there
}

TEST(Bounds, BeforeAnOutput) {
  const TestKernel kernel = float_kernel("int i = int(thread_position_in_grid.x);\ny[i - 1] = x[i];\n", 64, 64, 64);
  expect_fault(kernel, {"out of bounds", "writes", "byte -4 of the 256 of \"y\"", "y[i - 1]"});
}

TEST(Bounds, PastAThreadgroupArray) {
  const TestKernel kernel = float_kernel("uint t = thread_index_in_threadgroup;\n"
                                         "threadgroup float first[64];\n"
                                         "threadgroup float second[64];\n"
                                         "second[t] = 0.0f;\n"
                                         "threadgroup float* at = first;\n"
                                         "at[t + 1] = x[t];\n"
                                         "y[t] = x[t];\n",
                                         64, 64, 64);
  expect_fault(kernel, {"out of bounds", "\"first\"", "at[t + 1]"});
  expect_fault(kernel, {"out of bounds", "\"first\""}, {});
}

// It stays within the array, and only its type tells.
TEST(Bounds, InnerIndexPastItsDimension) {
  const TestKernel kernel = float_kernel("uint t = thread_index_in_threadgroup;\n"
                                         "threadgroup float tile[4][32];\n"
                                         "uint column = t + 1;\n"
                                         "tile[0][column] = x[t];\n"
                                         "y[t] = x[t];\n",
                                         32, 32, 32);
  EXPECT_NO_THROW(values_unchecked(kernel));
  expect_fault(kernel, {"an index outside of its dimension", "tile[0][column]"});
}

TEST(Bounds, WriteToAnInput) {
  expect_fault(float_kernel("uint i = thread_position_in_grid.x;\n"
                            "((device float*)x)[i] = 0.0f;\n"
                            "y[i] = x[i];\n",
                            64, 64, 64),
               {"write to an input", "\"x\"", "((device float*)x)[i] = 0.0f"});
}

TEST(Bounds, SignedSumThatOverflows) {
  expect_fault(float_kernel("int i = 2147483647 - int(thread_position_in_grid.x) + int(x_shape[0]);\n"
                            "y[thread_position_in_grid.x] = float(i);\n",
                            64, 64, 64),
               {"overflows", "int i = 2147483647"});
}

TEST(Uninitialised, PartialSumsThatNobodyWrote) {
  const TestKernel kernel = float_kernel("uint t = thread_index_in_threadgroup;\n"
                                         "threadgroup float parts[4];\n"
                                         "float sum = simd_sum(x[t]);\n"
                                         "if (thread_index_in_simdgroup == 0) parts[simdgroup_index_in_threadgroup] = sum;\n"
                                         "threadgroup_barrier(mem_flags::mem_threadgroup);\n"
                                         "y[t] = parts[0] + parts[1] + parts[2] + parts[3];\n",
                                         64, 64, 64);
  EXPECT_TRUE(std::isnan(values_unchecked(kernel)[0]));
  expect_fault(kernel, {"uninitialised", "byte 8 of the 16 of \"parts\"", "`y[t] = parts[0]"});
}

TEST(Uninitialised, OutputThatIsReadFirst) {
  expect_fault(float_kernel("uint i = thread_position_in_grid.x;\ny[i] += x[i];\n", 64, 64, 64),
               {"uninitialised", "\"y\"", "y[i] += x[i]"});
}

TEST(Uninitialised, OutputThatNobodyWrites) {
  const TestKernel kernel = float_kernel("uint i = thread_position_in_grid.x;\nif (i != 9) y[i] = x[i];\n", 64, 64, 64);
  EXPECT_TRUE(std::isnan(values_unchecked(kernel)[9]));
  expect_fault(kernel, {"never written", "byte 36 of the 256 of \"y\""});
}

TEST(Divergence, BarrierInBothArmsOfABranch) {
  const TestKernel kernel = float_kernel(
      "uint t = thread_index_in_threadgroup;\n"
      "if (t < 32) { threadgroup_barrier(mem_flags::mem_none); } else { threadgroup_barrier(mem_flags::mem_none); }\n"
      "y[t] = x[t];\n",
      64, 64, 64);
  for (const Options& options : {Options{}, kChecked}) {
    expect_fault(kernel, {"divergence", "threadgroup_barrier", "test_float_float:", "`if (t < 32)"}, options);
  }
}

TEST(Divergence, ThreadThatReturnsBeforeABarrier) {
  const TestKernel kernel = float_kernel("uint t = thread_index_in_threadgroup;\n"
                                         "y[t] = x[t];\n"
                                         "if (t == 40) return;\n"
                                         "threadgroup_barrier(mem_flags::mem_device);\n",
                                         64, 64, 64);
  expect_fault(kernel, {"divergence", "thread 40", "returned", "`threadgroup_barrier(mem_flags::mem_device);`"}, {});
}

TEST(Divergence, SimdSumByHalfOfTheLanes) {
  const TestKernel kernel = float_kernel("uint t = thread_index_in_threadgroup;\n"
                                         "float sum = x[t];\n"
                                         "if (t % 32 < 16) sum = simd_sum(sum);\n"
                                         "threadgroup_barrier(mem_flags::mem_none);\n"
                                         "y[t] = sum;\n",
                                         64, 64, 64);
  expect_fault(kernel, {"divergence", "simd_sum", "threadgroup_barrier", "`if (t % 32 < 16)"}, {});
}

TEST(Divergence, ShuffleFromALaneThatIsNotThere) {
  expect_fault(float_kernel("uint t = thread_position_in_grid.x;\ny[t] = simd_shuffle(x[t], 20);\n", 40, 40, 40),
               {"simd_shuffle", "a lane that is not there", "`y[t] = simd_shuffle(x[t], 20);`"}, {});
}

TEST(Divergence, MatrixInAPartOfASimdGroup) {
  expect_fault(float_kernel("simdgroup_float8x8 m = simdgroup_float8x8(0.0f);\n"
                            "simdgroup_store(m, y, 8);\n"
                            "(void)thread_position_in_grid;\n",
                            64, 16, 16),
               {"simdgroup_store", "needs all 32 lanes"}, {});
}

// It reads elements by where today's devices happen to keep them.
TEST(SimdLanes, OrderOfAMatrixTakenForGranted) {
  const TestKernel kernel = float_kernel("uint t = thread_index_in_simdgroup;\n"
                                         "simdgroup_float8x8 m;\n"
                                         "simdgroup_load(m, x, 8);\n"
                                         "uint row = (t >> 4 & 1) * 4 + (t >> 1 & 3), column = (t >> 3 & 1) * 4 + (t & 1) * 2;\n"
                                         "y[row * 8 + column] = m.thread_elements()[0];\n"
                                         "y[row * 8 + column + 1] = m.thread_elements()[1];\n",
                                         64, 32, 32);
  EXPECT_EQ(values_unchecked(kernel), values_of(input()));
  EXPECT_NE(values_of(run(kernel.launch(), {input()}, {.permute_matrices = true})[0]), values_of(input()));
}

// A SIMD group has 32 lanes, not 64: what is meant to be a sum of all 64 threads is one of half of them.
TEST(SimdLanes, WidthTakenForSixtyFour) {
  const TestKernel kernel = float_kernel("uint t = thread_index_in_threadgroup;\ny[t] = simd_sum(1.0f);\n", 64, 64, 64);
  EXPECT_EQ(values_unchecked(kernel)[0], 32);
  expect_fault(float_kernel("uint t = thread_index_in_threadgroup;\ny[t] = simd_shuffle(x[t], 63 - t);\n", 64, 64, 64),
               {"a lane that is not there"});
}

TEST(ThreadgroupMemory, MoreThan32KiB) {
  const TestKernel kernel = float_kernel("uint t = thread_index_in_threadgroup;\n"
                                         "threadgroup float first[4096];\n"
                                         "threadgroup float second[4100];\n"
                                         "first[t] = second[t] = y[t] = x[t];\n",
                                         64, 64, 64);
  expect_fault(kernel, {"threadgroup memory", "wanted at most 32768 bytes, got 32784", "threadgroup float second[4100];"}, {});
}

TEST(ThreadgroupMemory, DeclarationThatCannotBeTranslated) {
  expect_fault(float_kernel("threadgroup float a[4], b[4];\ny[thread_position_in_grid.x] = x[0];\n", 4, 4, 4),
               {"one name each", "threadgroup float a[4]"});
}

TEST(Launch, ThreadgroupOfMoreThan1024Threads) {
  expect_fault(float_kernel("y[thread_position_in_grid.x] = x[0];\n", 2000, 2000, 1025), {"1 to 1024", "(1025, 1, 1)"});
}

TEST(Launch, TextThatDoesNotCompile) {
  expect_fault(float_kernel("y[thread_position_in_grid.x] = metal::erf(x[0]);\n", 4, 4, 4), {"does not compile", "erf"});
}

// As a bfloat is not made from a float without saying so.
TEST(Launch, ConversionThatMetalDoesNotMake) {
  expect_fault(float_kernel("bfloat b = x[0];\ny[thread_position_in_grid.x] = float(b);\n", 4, 4, 4), {"does not compile", "bfloat"});
}

}  // namespace
}  // namespace xlstm::metal_emulator
