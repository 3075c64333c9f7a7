// The texts of the Metal kernels as MLX gets them.
#include <gtest/gtest.h>

#include <array>
#include <regex>

#include "tests/support/expect_error.h"
#include "xlstm/mlx/metal/kernel_texts.h"

namespace xlstm::mlx::metal {
namespace {

TEST(MetalTexts, IncludesComeOnceAndInPlace) {
  const std::array<KernelText, 4> texts = {
      KernelText{
          "xlstm/kernels/a/a.metal",
          "// of a\n#include \"xlstm/kernels/b/b.metal\"\n#include \"xlstm/kernels/c/c.metal\"\n"
          "int a();\n\nkernel void a() {\n  y[0] = 1;\n  if (x) {\n  }\n}\n"},
      KernelText{"xlstm/kernels/b/b.metal", "#include \"xlstm/kernels/c/c.metal\"\nint b();\n"},
      KernelText{"xlstm/kernels/c/c.metal", "int c();\n"},
      KernelText{"xlstm/kernels/d/d.metal", "kernel void other() {\n}\n"}};
  const KernelSource source = split_source("xlstm/kernels/a/a.metal", texts);
  EXPECT_EQ(
      source.header,
      "#line 1 \"xlstm/kernels/a/a.metal\"\n// of a\n"
      "#line 1 \"xlstm/kernels/b/b.metal\"\n#line 1 \"xlstm/kernels/c/c.metal\"\nint c();\n"
      "#line 2 \"xlstm/kernels/b/b.metal\"\nint b();\n"
      "#line 3 \"xlstm/kernels/a/a.metal\"\n#line 4 \"xlstm/kernels/a/a.metal\"\nint a();\n\n");
  EXPECT_EQ(source.body, "#line 7 \"xlstm/kernels/a/a.metal\"\n  y[0] = 1;\n  if (x) {\n  }\n");
  EXPECT_THROW(split_source("xlstm/kernels/b/b.metal", texts), Error);  // no kernel
  EXPECT_THROW(split_source("xlstm/kernels/d/d.metal", texts), Error);  // another's
  EXPECT_THROW(split_source("xlstm/kernels/e/e.metal", texts), Error);
  EXPECT_THROW(split_source("xlstm/kernels/a/a.metal", std::span(texts).first(2)), Error);
  EXPECT_THROW(kernel_source("no_such_kernel"), Error);
}

// What MLX makes a parameter of stands in the body; without any attribute it writes a text that
// does not compile where there are several outputs.
TEST(MetalTexts, EveryKernelIsBuiltInAndAsksWhereItIs) {
  int kernels = 0;
  for (const KernelText& each : kernel_texts()) {
    const std::string_view text = each.text;
    const bool has_kernel = text.find("\nkernel void ") != std::string_view::npos;
    const std::size_t slash = each.path.rfind('/') + 1;
    const std::string name(each.path.substr(slash, each.path.rfind('.') - slash));
    if (!has_kernel) continue;
    const KernelSource source = kernel_source(name);
    EXPECT_NE(source.body.find("_position_in_grid"), std::string::npos) << name;
    EXPECT_EQ(source.header.find("#include"), std::string::npos) << name;
    // `x_shape`, `x_strides` and `x_ndim` would become parameters.
    EXPECT_FALSE(std::regex_search(source.body, std::regex("_(shape|strides|ndim)\\b"))) << name;
    ++kernels;
  }
  EXPECT_GE(kernels, 8);
}

}  // namespace
}  // namespace xlstm::mlx::metal
