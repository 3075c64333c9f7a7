#include "xlstm/kernels/simd/simd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/kernels/packed_gemm/micro_kernels.h"
#include "xlstm/kernels/quantized_linear/quantized_kernels.h"
#include "xlstm/kernels/simd/dispatch.h"
#include "xlstm/kernels/simd/simd_processor.h"

namespace xlstm::testing {
namespace {

using kernels::simd_classes;

#if HWY_ARCH_X86 && !defined(XLSTM_NATIVE_KERNELS)
static_assert((HWY_TARGETS & HWY_AVX2) != 0 && (HWY_TARGETS & HWY_AVX3) != 0,
              "kernels must be built for more than the baseline");
static_assert((HWY_TARGETS & HWY_SSSE3) == 0, "and for what they are not must not be told of");
#endif

std::string text(const std::vector<std::string_view>& names) {
  std::string out;
  for (const std::string_view name : names) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

// The environment is read once: each value is tried in a process of its own, which prints what
// `tell` makes of it.
template <class Tell>
void exit_having_told(const char* value, const Tell& tell) {
  if (value == nullptr) {
    ::unsetenv("XLSTM_SIMD");
  } else {
    ::setenv("XLSTM_SIMD", value, 1);
  }
  try {
    std::fprintf(stderr, "<%s>\n", tell().c_str());
    std::exit(0);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::exit(error.kind() == ErrorKind::kUsage ? 201 : 202);
  }
}

kernels::SimdProcessor processor() {
  return kernels::simd_processor(hwy::SupportedTargets() & HWY_TARGETS);
}

// Of all classes those whose instructions this processor has, up to and with `top`.
std::string wanted_up_to(std::string_view top) {
  const std::int64_t targets = hwy::SupportedTargets() & HWY_TARGETS;
  const kernels::SimdProcessor has = kernels::simd_processor(targets);
  std::vector<std::string_view> names;
  for (const kernels::SimdClass& each : has.classes) {
    const bool here = (each.target == 0 || (targets & each.target) != 0) &&
                      (targets == 0 || (targets & ~each.excluded_targets) != 0) &&
                      (each.features == 0 || (has.features & each.features) != 0);
    if (here) names.emplace_back(each.name);
    if (each.name == top) break;
  }
  std::reverse(names.begin(), names.end());
  return text(names);
}

std::string classes_and_cap() {
  return text(simd_classes()) + ", cap " + std::string(kernels::simd_cap());
}

#ifdef GTEST_HAS_DEATH_TEST
class SimdCapDeathTest : public ::testing::Test {
 protected:
  SimdCapDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(SimdCapDeathTest, EachWordLimitsTheClasses) {
  for (const kernels::SimdClass& each : processor().classes) {
    EXPECT_EXIT(exit_having_told(each.name, classes_and_cap), ::testing::ExitedWithCode(0),
                "<" + wanted_up_to(each.name) + ", cap " + each.name + ">")
        << each.name;
  }
}

TEST_F(SimdCapDeathTest, NothingAndNativeAreNoLimit) {
  const std::string all = wanted_up_to("");
  for (const char* value : {static_cast<const char*>(nullptr), "", "native"}) {
    EXPECT_EXIT(exit_having_told(value, classes_and_cap), ::testing::ExitedWithCode(0),
                "<" + all + ", cap >");
  }
}

TEST_F(SimdCapDeathTest, OtherWordsAreErrorsThatListThoseThereAre) {
  std::string words;
  for (const kernels::SimdClass& each : processor().classes) {
    words += std::string(each.name) + ", ";
  }
  for (const char* value : {"AVX2", "avx", "avx2 ", "0", "none"}) {
    EXPECT_EXIT(exit_having_told(value, [] { return text(simd_classes()); }),
                ::testing::ExitedWithCode(201),
                "XLSTM_SIMD. wanted " + words + "or native, got \"" + value + "\"");
    // Also where the first to ask is a kernel.
    EXPECT_EXIT(exit_having_told(value,
                                 [] {
                                   ThreadPool pool(1);
                                   const float x = 1, W = 1;
                                   float y = 0;
                                   kernels::linear(pool, &x, 1, &W, kernels::WeightType::kF32,
                                                   nullptr, &y, 1, 1, 1, 1);
                                   return std::string("ran");
                                 }),
                ::testing::ExitedWithCode(201), "XLSTM_SIMD. wanted ");
  }
}

#if HWY_ARCH_X86 && !defined(XLSTM_NATIVE_KERNELS)
// What kernels choose, where nothing but the environment has been looked at before.
std::string choices() {
  std::string out;
  const kernels::QuantizedKernels* const few = kernels::quantized_kernels();
  out += few == nullptr ? "no vectors" : few->name;
  if (kernels::bf16_tile() != nullptr) out += ", bf16";
  if (kernels::quantized_linear_rounds_x()) out += ", int8";
  return out;
}

TEST_F(SimdCapDeathTest, KernelsStayWithinIt) {
  // What the baseline is depends on the compiler.
  std::string allowed = "no vectors|SSE2|EMU128";
  const std::pair<const char*, const char*> caps[] = {{"scalar", ""},
                                                      {"sse4", "|SSE4"},
                                                      {"avx2", "|AVX2, int8"},
                                                      {"avx512", "|AVX-VNNI, int8|AVX3, int8"}};
  for (const auto& [cap, more] : caps) {
    allowed += more;
    EXPECT_EXIT(exit_having_told(cap, choices), ::testing::ExitedWithCode(0),
                "<(" + allowed + ")>");
  }
}
#endif
#endif

TEST(Simd, TheLimitOfATestIsTakenBack) {
  const std::string all = text(simd_classes());
  for (const std::string_view name : simd_classes()) {
    kernels::limit_simd(name);
    EXPECT_EQ(simd_classes().front(), name);
    kernels::limit_simd("");
    EXPECT_EQ(text(simd_classes()), all);
  }
}

}  // namespace
}  // namespace xlstm::testing
