// What MLX composes. If one of these fails after a change of MLX's version, the emulator has to
// learn the new way, and docs or kernels may rely on the old one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/metal/emulator/translate.h"
#include "tests/metal/test_kernel.h"
#include "xlstm/base/error.h"

namespace xlstm::metal_emulator {
namespace {

TestKernel every_kind_of_parameter() {
  return {.source =
              "uint i = thread_position_in_grid.x;\n"
              "y[i] = T(x[i]) * w[0] + s; // w_ndim\n"
              "z[i] = x_shape[0] + thread_index_in_simdgroup;\n",
          .inputs = {"x", "w", "s"},
          .outputs = {"y", "z"},
          .shapes = {{4, 3}, {12}},
          .types = {mx::float32, mx::int32},
          .grid = {12, 1, 1},
          .group = {32, 1, 1},
          .template_args = {{"T", mx::bfloat16}, {"N", 4}, {"B", true}},
          .header = "template <typename U> U twice(U v) { return v + v; }\n"};
}

std::vector<mx::array> three_inputs() {
  return {mx::zeros({4, 3}), mx::array({1.0F, 2.0F}), mx::array(3.0F)};
}

constexpr const char* kName =
    "custom_kernel_test__bfloat16_t_4_1_float_floatc_floats_float_int32_t";

// The exact text, but for MLX's prelude, that would be compiled.
TEST(Compose, GoldenText) {
  const std::vector<Composed> kernels = compose(every_kind_of_parameter().launch(), three_inputs());
  ASSERT_EQ(kernels.size(), 1U);
  EXPECT_EQ(kernels[0].name, kName);
  const std::string name = kernels[0].name;
  EXPECT_EQ(kernels[0].text, str("template <typename U> U twice(U v) { return v + v; }\n"
                                 "template <typename T, int N, bool B>\n"
                                 "[[kernel]] void ",
                                 name,
                                 "(\n"
                                 "  const device float* x [[buffer(0)]],\n"
                                 "  const constant int* x_shape [[buffer(1)]],\n"
                                 "  const constant float* w [[buffer(2)]],\n"
                                 "  const constant int& w_ndim [[buffer(3)]],\n"
                                 "  const constant float& s [[buffer(4)]],\n"
                                 "  device float* y [[buffer(5)]],\n"
                                 "  device int32_t* z [[buffer(6)]],\n"
                                 "  uint thread_index_in_simdgroup [[thread_index_in_simdgroup]],\n"
                                 "  uint3 thread_position_in_grid [[thread_position_in_grid]]) {\n",
                                 every_kind_of_parameter().source,
                                 "\n}\n\n"
                                 "template [[host_name(\"",
                                 name, "\")]] [[kernel]] decltype(", name, "<bfloat16_t, 4, 1>) ",
                                 name, "<bfloat16_t, 4, 1>;\n"));
}

TEST(Compose, LaunchAndOptions) {
  const Composed kernel = compose(every_kind_of_parameter().launch(), three_inputs())[0];
  EXPECT_EQ(kernel.grid, (Size3{12, 1, 1}));
  EXPECT_EQ(kernel.group, (Size3{32, 1, 1}));  // MLX makes it smaller when it launches
  EXPECT_TRUE(kernel.ensure_row_contiguous);
  EXPECT_FALSE(kernel.init_value.has_value());
  EXPECT_EQ(kernel.math_mode, static_cast<int>(mx::MathMode::Safe));
}

TEST(Compose, ReadsParametersAndTemplateArguments) {
  const Composed kernel = compose(every_kind_of_parameter().launch(), three_inputs())[0];
  std::vector<std::string> found;
  for (const Parameter& p : kernel.parameters())
    found.push_back(str(p.type, "|", p.name, p.is_buffer ? "" : "|attribute"));
  EXPECT_THAT(
      found, ::testing::ElementsAre("const device float*|x", "const constant int*|x_shape",
                                    "const constant float*|w", "const constant int&|w_ndim",
                                    "const constant float&|s", "device float*|y",
                                    "device int32_t*|z", "uint|thread_index_in_simdgroup|attribute",
                                    "uint3|thread_position_in_grid|attribute"));
  EXPECT_EQ(kernel.template_arguments(), "<bfloat16_t, 4, 1>");
}

// Comments may hold the words that are edited; lines keep their places; the instantiation goes.
TEST(Translate, KeepsLinesAndDropsComments) {
  TestKernel kernel = every_kind_of_parameter();
  kernel.source =
      "/* threadgroup float a;\n*/ threadgroup float tile[N][8]; // threadgroup float "
      "b;\nthreadgroup float* p = &tile[0][0];\n"
      "y[thread_position_in_grid.x] = p[0];\n";
  const std::string text = translated(compose(kernel.launch(), three_inputs())[0]);
  EXPECT_THAT(text, ::testing::HasSubstr("\n   MSL_TG(tile, [N][8],  float );"));
  EXPECT_THAT(text, ::testing::HasSubstr("\nthreadgroup float* p = &tile[0][0];\n"));
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("float a;")));
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("host_name")));
}

}  // namespace
}  // namespace xlstm::metal_emulator
