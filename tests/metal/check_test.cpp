// The second opinion on kernels' texts: what clang has to refuse, and what it must not.
#include <gtest/gtest.h>

#include "tests/metal/planted_fault.h"

namespace xlstm::metal_emulator {
namespace {

class Check : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!check_missing().empty())
      GTEST_SKIP() << "address spaces are not checked: " << check_missing();
  }
};

// Of 64 elements, so that the input is in memory of the device.
void expect_refused(const std::string& source, const std::vector<std::string>& pieces,
                    const std::string& header = "") {
  TestKernel kernel = float_kernel("uint i = thread_position_in_grid.x;\n" + source, 64, 64, 64);
  kernel.header = header;
  expect_error(ErrorKind::kInternal, pieces, [&] { check(kernel.launch(), {input()}); });
}
void expect_taken(const TestKernel& kernel, const std::vector<mx::array>& inputs) {
  EXPECT_NO_THROW(check(kernel.launch(), inputs)) << kernel.source;
}
void expect_taken(const std::string& source, const std::string& header = "") {
  TestKernel kernel = float_kernel("uint i = thread_position_in_grid.x;\n" + source, 64, 64, 64);
  kernel.header = header;
  expect_taken(kernel, {input()});
}

TEST_F(Check, TakesWhatMetalTakes) {
  expect_taken("y[i] = x[i];\n");
  expect_taken(
      "threadgroup float shared[4][16];\nthreadgroup float* at = &shared[0][0];\nat[i] = "
      "x[i];\ny[i] = at[i];\n");
  expect_taken(
      "float4 v = float4(x[0], x[1], 2.0f, x[3]);\nv.xy = v.zw * 2.0f;\ny[i] = dot(v, v) + "
      "metal::precise::exp(v.x);\n");
  expect_taken("y[i] = twice(x + i);\n",
               "template <typename P>\ninline float twice(P p) { return *p + *p; }\n");
  expect_taken(
      "simdgroup_float8x8 a, b = simdgroup_float8x8(0.0f), c = make_filled_simdgroup_matrix<float, "
      "8, 8>(0.0f);\n"
      "simdgroup_load(a, x, 8);\nb = a;\nsimdgroup_multiply_accumulate(c, a, b, "
      "c);\nsimdgroup_store(c, y, 8);\n"
      "y[i] = simd_sum(c.thread_elements()[0]) + as_type<float>(i) + "
      "numeric_limits<float>::max();\n");
}

TEST_F(Check, RefusesMixedAddressSpaces) {
  expect_refused("threadgroup float shared[4];\ndevice float* p = shared;\ny[i] = p[0];\n",
                 {"'__global float *__private'", "'__local float[4]'", "test_float_float:7"});
  expect_refused("device float* p = (device float*)&i;\ny[i] = p[0];\n", {"address space"});
  expect_refused("y[i] = first(x);\n", {"first"},
                 "inline float first(const threadgroup float* p) { return *p; }\n");
  expect_refused("y[i] = first(x);\n", {"first"},
                 "inline float first(const constant float* p) { return *p; }\n");
}

TEST_F(Check, RefusesPointersWithoutAnAddressSpace) {
  expect_refused("const float* p = x;\ny[i] = p[i];\n",
                 {"wanted a pointer or reference to device", "const float* p = x;"});
  expect_refused("float value = x[i];\nfloat* p = &value;\ny[i] = *p;\n", {"float* p = &value;"});
  expect_refused("y[i] = f<float>(x[i]);\n", {"const T& v"},
                 "template <typename T>\nfloat f(const T& v) { return v * v; }\n");
}

TEST_F(Check, RefusesAConstantInputWhereDeviceMemoryIsWanted) {
  const std::string header = "inline float first(const device float* p) { return *p; }\n";
  TestKernel kernel = float_kernel("y[thread_position_in_grid.x] = first(x);\n", 8, 8, 8);
  kernel.header = header;
  expect_taken(kernel, {mx::zeros({8})});
  expect_error(ErrorKind::kInternal, {"first"}, [&] { check(kernel.launch(), {mx::zeros({7})}); });
}

TEST_F(Check, RefusesCallsThatMetalFindsAmbiguousOrDoesNotHave) {
  expect_refused("y[i] = exp(int(i));\n", {"ambiguous"});
  expect_refused("y[i] = max(x[i], i);\n", {"ambiguous"});
  expect_refused(
      "threadgroup atomic<float> sum;\natomic_fetch_add_explicit(&sum, x[i], "
      "memory_order_relaxed);\ny[i] = x[i];\n",
      {"atomic_fetch_add_explicit"});
}

TEST_F(Check, RefusesWritesToInputs) {
  expect_refused("x[i] = 0.0f;\ny[i] = x[i];\n", {"read-only"});
}

// Also in a branch that template arguments rule out.
TEST_F(Check, RefusesFloatsWhereBfloatIsWanted) {
  const auto kernel = [](const std::string& stored) {
    TestKernel made = float_kernel(
        "uint i = thread_position_in_grid.x;\nif constexpr (ROUND) { y[i] = "
        "static_cast<bfloat>(x[i]); "
        "} else { y[i] = " +
            stored + "; }\n",
        64, 64, 64);
    made.types = {mx::bfloat16};
    made.template_args = {{"ROUND", true}};
    return made;
  };
  expect_taken(kernel("bfloat(x[i])"), {input()});
  expect_error(ErrorKind::kInternal, {"overloaded '='"},
               [&] { check(kernel("x[i]").launch(), {input()}); });
}

TEST_F(Check, RefusesLanguageThatMetalDoesNotHave) {
  expect_refused("double d = x[i];\ny[i] = float(d);\n", {"double"});
  expect_refused("y[i] = std::exp(x[i]);\n", {"std"});
  expect_refused("float* p = new float;\ny[i] = x[i];\n", {"new"});
  expect_refused("throw i;\n", {"throw"});
  expect_refused("static float kept = 0.0f;\ny[i] = kept;\n", {"kept"});
  expect_refused("float values[i + 1];\ny[i] = values[0];\n", {"array size"});
  expect_refused("y[i] = f(x[i]);\n", {"pointers to functions"},
                 "inline float g(float v) { return v; }\ninline float f(float v) { float "
                 "(*p)(float) = g; return p(v); }\n");
  expect_refused("y[i] = x[i];\n", {"virtual"}, "struct S { virtual float f(); };\n");
}

}  // namespace
}  // namespace xlstm::metal_emulator
