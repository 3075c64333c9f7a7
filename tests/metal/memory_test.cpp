// Accesses to memory that is not there, not to be written, or that nobody wrote.
#include <cmath>

#include "tests/metal/planted_fault.h"

namespace xlstm::metal_emulator {
namespace {

TEST(Bounds, OneRowPastAnInput) {
  constexpr const char* kSource = R"(
    uint i = thread_position_in_grid.x;
    y[i] = x[i + 32];
  )";
  const TestKernel kernel = float_kernel(kSource, 64, 64, 64);
  expect_fault(kernel,
               {"out of bounds", "reads", "byte 256 of the 256 of \"x\"", "`y[i] = x[i + 32];`"});
  expect_fault(kernel, {"out of bounds", "\"x\"", "x[i + 32]"}, {});  // the memory is not there
}

TEST(Bounds, BeforeAnOutput) {
  constexpr const char* kSource = R"(
    int i = int(thread_position_in_grid.x);
    y[i - 1] = x[i];
  )";
  const TestKernel kernel = float_kernel(kSource, 64, 64, 64);
  expect_fault(kernel, {"out of bounds", "writes", "byte -4 of the 256 of \"y\"", "y[i - 1]"});
}

TEST(Bounds, PastAThreadgroupArray) {
  constexpr const char* kSource = R"(
    uint t = thread_index_in_threadgroup;
    threadgroup float first[64];
    threadgroup float second[64];
    second[t] = 0.0f;
    threadgroup float* at = first;
    at[t + 1] = x[t];
    y[t] = x[t];
  )";
  const TestKernel kernel = float_kernel(kSource, 64, 64, 64);
  expect_fault(kernel, {"out of bounds", "\"first\"", "at[t + 1]"});
  expect_fault(kernel, {"out of bounds", "\"first\""}, {});
}

TEST(Bounds, MatrixPastAnInput) {
  constexpr const char* kSource = R"(
    simdgroup_float8x8 m;
    simdgroup_load(m, x + 8, 8);
    simdgroup_store(m, y, 8);
    (void)thread_index_in_simdgroup;
  )";
  expect_fault(float_kernel(kSource, 64, 32, 32),
               {"out of bounds", "reads", "`simdgroup_load(m, x + 8, 8);`"});
}

// It stays within the array, and only its type tells.
TEST(Bounds, InnerIndexPastItsDimension) {
  constexpr const char* kSource = R"(
    uint t = thread_index_in_threadgroup;
    threadgroup float tile[4][32];
    uint column = t + 1;
    tile[0][column] = x[t];
    y[t] = x[t];
  )";
  const TestKernel kernel = float_kernel(kSource, 32, 32, 32);
  EXPECT_NO_THROW(values_unchecked(kernel));
  expect_fault(kernel, {"an index outside of its dimension", "tile[0][column]"});
}

TEST(Bounds, WriteToAnInput) {
  constexpr const char* kSource = R"(
    uint i = thread_position_in_grid.x;
    ((device float*)x)[i] = 0.0f;
    y[i] = x[i];
  )";
  expect_fault(float_kernel(kSource, 64, 64, 64),
               {"write to an input", "\"x\"", "((device float*)x)[i] = 0.0f"});
}

TEST(Bounds, SignedSumThatOverflows) {
  constexpr const char* kSource = R"(
    int i = 2147483647 - int(thread_position_in_grid.x) + int(x_shape[0]);
    y[thread_position_in_grid.x] = float(i);
  )";
  expect_fault(float_kernel(kSource, 64, 64, 64), {"overflows", "int i = 2147483647"});
}

TEST(Uninitialised, PartialSumsThatNobodyWrote) {
  constexpr const char* kSource = R"(
    uint t = thread_index_in_threadgroup;
    threadgroup float parts[4];
    float sum = simd_sum(x[t]);
    if (thread_index_in_simdgroup == 0) parts[simdgroup_index_in_threadgroup] = sum;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    y[t] = parts[0] + parts[1] + parts[2] + parts[3];
  )";
  const TestKernel kernel = float_kernel(kSource, 64, 64, 64);
  EXPECT_TRUE(std::isnan(values_unchecked(kernel)[0]));
  expect_fault(kernel, {"uninitialised", "byte 8 of the 16 of \"parts\"", "`y[t] = parts[0]"});
}

TEST(Uninitialised, OutputThatIsReadFirst) {
  constexpr const char* kSource = R"(
    uint i = thread_position_in_grid.x;
    y[i] += x[i];
  )";
  expect_fault(float_kernel(kSource, 64, 64, 64), {"uninitialised", "\"y\"", "y[i] += x[i]"});
}

TEST(Uninitialised, OutputThatNobodyWrites) {
  constexpr const char* kSource = R"(
    uint i = thread_position_in_grid.x;
    if (i != 9) y[i] = x[i];
  )";
  const TestKernel kernel = float_kernel(kSource, 64, 64, 64);
  EXPECT_TRUE(std::isnan(values_unchecked(kernel)[9]));
  expect_fault(kernel, {"never written", "byte 36 of the 256 of \"y\""});
}

TEST(Bounds, MoreStackThanAThreadHas) {
  constexpr const char* kRecursion = R"(
    float deep(const device float* p, int n) {
      float kept[512];
      for (int i = 0; i < 512; ++i) kept[i] = p[(i + n) % 64];
      return n == 0 ? kept[0] : deep(p, n - 1) + kept[n % 512];
    }
  )";
  TestKernel kernel =
      float_kernel("uint i = thread_position_in_grid.x;\ny[i] = deep(x, 60);\n", 64, 64, 64);
  kernel.header = kRecursion;
  expect_fault(kernel, {"more than 64 KiB of stack"}, {});
  kernel.header = "";
  kernel.source = R"(
    uint i = thread_position_in_grid.x;
    float kept[20000];
    for (uint k = 0; k < 20000; ++k) kept[k] = x[(i + k) % 64];
    float sum = 0.0f;
    for (uint k = 0; k < 20000; ++k) sum += kept[(k * 7919 + i) % 20000];
    y[i] = sum;
  )";
  expect_fault(kernel, {"does not compile", "frame"}, {});
}

TEST(ThreadgroupMemory, MoreThan32KiB) {
  constexpr const char* kSource = R"(
    uint t = thread_index_in_threadgroup;
    threadgroup float first[4096];
    threadgroup float second[4100];
    first[t] = second[t] = y[t] = x[t];
  )";
  const TestKernel kernel = float_kernel(kSource, 64, 64, 64);
  expect_fault(kernel,
               {"threadgroup memory", "wanted at most 32768 bytes, got 32784",
                "threadgroup float second[4100];"},
               {});
}

TEST(ThreadgroupMemory, DeclarationThatCannotBeTranslated) {
  constexpr const char* kSource = R"(
    threadgroup float a[4], b[4];
    y[thread_position_in_grid.x] = x[0];
  )";
  expect_fault(float_kernel(kSource, 4, 4, 4), {"one name each", "threadgroup float a[4]"});
}

}  // namespace
}  // namespace xlstm::metal_emulator
