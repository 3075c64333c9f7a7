// Correct kernels whose threads work each for itself, and graphs of them.
#include <algorithm>
#include <cmath>

#include "tests/metal/expect_output.h"

namespace xlstm::metal_emulator {
namespace {

TEST(CorrectKernels, ElementwiseWithAnEdge) {
  TestKernel kernel = float_kernel(
      "uint i = thread_position_in_grid.x;\ny[i] = T(x[i]) * two + x_shape[0];\n", 100, 100, 64);
  kernel.inputs = {"x", "two"};
  for (const mx::Dtype type : {mx::float32, mx::float16, mx::bfloat16}) {
    kernel.template_args = {{"T", type}};
    const mx::array x = random_array({100}, 1, type);
    std::vector<double> wanted = values_of(x);
    for (double& value : wanted) value = 2 * value + 100;
    expect_output(wanted, kernel, {x, mx::array(2.0F)}, 102 * 0x1p-24);
  }
}

// Every half, and floats around those between which they round, as MLX has them.
TEST(CorrectKernels, SmallTypesRoundAsMlxDoes) {
  TestKernel kernel =
      float_kernel("uint i = thread_position_in_grid.x;\ny[i] = float(T(x[i]));\n", 0, 0, 256);
  for (const mx::Dtype type : {mx::float16, mx::bfloat16}) {
    const mx::array bits = mx::astype(mx::arange(0, 0x10000), mx::uint16);
    const mx::array exact = mx::astype(mx::view(bits, type), mx::float32);
    const mx::array ulps =
        mx::multiply(exact, mx::array({1.0F, 1.0F + 0x1p-12F, 1.0F + 0x1p-11F, 1.0F + 0x1p-9F,
                                       1.0F + 0x1p-8F, 1.0F + 0x1p-7F, 0.6F, -1.3F},
                                      {8, 1}));
    const mx::array x = mx::flatten(ulps);
    kernel.shapes = {x.shape()};
    kernel.grid = {static_cast<int>(x.size()), 1, 1};
    kernel.template_args = {{"T", type}};
    const mx::array y = run(kernel.launch(), {x})[0];
    const mx::array wanted = mx::astype(mx::astype(x, type), mx::float32);
    EXPECT_TRUE(mx::array_equal(wanted, y, true).item<bool>());
  }
}

TEST(CorrectKernels, UnsuffixedLiteralsAreFloats) {
  const TestKernel kernel = float_kernel(
      "y[thread_position_in_grid.x] = x[0] * 0.1 == x[0] * 0.1f ? 1.0f : 0.0f;\n", 1, 1, 1);
  expect_near({1}, run(kernel.launch(), {mx::array({3.0F})})[0], 0);
}

TEST(CorrectKernels, AtomicsOfAllThreadgroups) {
  TestKernel kernel = float_kernel(
      "atomic_fetch_add_explicit(&y[thread_position_in_grid.x % 3], x[0], memory_order_relaxed);\n",
      3, 90, 8);
  kernel.atomic_outputs = true;
  kernel.init_value = 1.0F;
  expect_output({31, 31, 31}, kernel, {mx::ones({8})}, 0);
}

TEST(CorrectKernels, TransposedInputByItsStrides) {
  TestKernel kernel = float_kernel(
      "uint2 at = uint2(thread_position_in_grid.x, thread_position_in_grid.y);\n"
      "y[at.y * 3 + at.x] = x[at.y * x_strides[0] + at.x * x_strides[1]];\n",
      12, 3, 3);
  kernel.grid = {3, 4, 1};
  kernel.row_contiguous = false;
  const mx::array x = mx::transpose(mx::reshape(mx::arange(0.0, 12.0), {3, 4}));
  expect_output({0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}, kernel, {x}, 0);
}

// The functions of both namespaces, vectors and halves, in the double precision of this machine's
// library.
TEST(CorrectKernels, FunctionsOfFloatsAndVectors) {
  constexpr const char* kSource = R"(
    uint i = thread_position_in_grid.x;
    float v = x[i];
    y[i] = metal::precise::exp(v) + metal::fast::tanh(v) + metal::log(v + 2.0f) * rsqrt(v + 2.0f);
    float4 w = float4(v, 1.0f, -v, 2.0f);
    w.xy = fma(w.zw, w.xy, float2(0.5f, v));
    y[i + 32] = dot(max(w, float4(0.25f)), abs(w)) + clamp(v, -0.5f, 0.5f) + select(1.0f, 2.0f, v > 0.0f);
  )";
  const mx::array x = random_array({32}, 9);
  const std::vector<double> values = values_of(x);
  std::vector<double> wanted(64);
  for (std::size_t i = 0; i < 32; ++i) {
    const double v = values[i];
    wanted[i] = std::exp(v) + std::tanh(v) + std::log(v + 2) / std::sqrt(v + 2);
    for (const double w : {-v * v + 0.5, 2 + v, -v, 2.0})
      wanted[i + 32] += std::max(w, 0.25) * std::abs(w);
    wanted[i + 32] += std::clamp(v, -0.5, 0.5) + (v > 0 ? 2 : 1);
  }
  // A dozen roundings of values up to 20.
  expect_output(wanted, float_kernel(kSource, 64, 32, 32), {x}, 12 * 20 * 0x1p-24);
}

// Two kernels, one after the other, among operations of MLX's own.
TEST(CorrectKernels, GraphOfKernelsAndOperations) {
  const Function twice =
      float_kernel("y[thread_position_in_grid.x] = 2.0f * x[thread_position_in_grid.x];\n", 10, 10,
                   10)
          .launch();
  const Function launch = [&](const std::vector<mx::array>& in) {
    const mx::array once = twice({mx::add(in[0], mx::array(1.0F), mx::Device::cpu)})[0];
    return std::vector<mx::array>{mx::add(twice({once})[0], once, mx::Device::cpu), once};
  };
  const std::vector<mx::array> out = run(launch, {mx::zeros({10})});
  expect_near(std::vector<double>(10, 6), out[0], 0);
  expect_near(std::vector<double>(10, 2), out[1], 0);
}

// exp(-inf) is 0 and half rounds; denormals may be flushed, which no result here may depend on.
TEST(CorrectKernels, SmallNumbersFlushedOrNot) {
  const TestKernel kernel = float_kernel(
      "uint i = thread_position_in_grid.x;\ny[i] = float(half(metal::precise::exp(x[i]))) + x[i] * "
      "1.0e-39f;\n",
      3, 3, 3);
  const mx::array x = mx::array({-INFINITY, 0.0F, -90.0F});
  const std::vector<double> kept =
      values_of(run(kernel.launch(), {mx::array({1.0F, 0.0F, -90.0F})})[0]);
  EXPECT_NE(kept[2], 0);  // the flag below does something
  const std::vector<double> flushed = values_of(
      run(kernel.launch(), {mx::array({1.0F, 0.0F, -90.0F})}, {.flush_denormals = true})[0]);
  EXPECT_EQ(flushed[2], 0);
  EXPECT_EQ(flushed[1], 1);
  EXPECT_TRUE(std::isinf(values_of(run(kernel.launch(), {x})[0])[0]));
}

}  // namespace
}  // namespace xlstm::metal_emulator
