#include "xlstm/kernels/quantized_linear/quantized_linear.h"
#include "xlstm/base/ceil_div.h"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <set>

#include "tests/kernels/op_cases.h"
#include "tests/kernels/quantized_cases.h"
#include "xlstm/kernels/packed_gemm/micro_kernels.h"
#include "xlstm/kernels/packed_gemm/neon-inl.h"
#include "xlstm/kernels/quantized_linear/quantized_kernels.h"
#include "xlstm/kernels/quantized_linear/quantized_many_rows.h"

namespace xlstm::testing {
namespace {

using kernels::kLinearDotRows;
using kernels::WeightType;

constexpr WeightType kScaleTypes[] = {WeightType::kF32, WeightType::kBF16, WeightType::kF16};

// quantized_linear() with the kernels for few rows, also where from fewer rows on others are
// faster.
void few_rows(const float* x, std::ptrdiff_t x_stride, const kernels::QuantizedMatrix& W,
              const float* bias, float* y, std::ptrdiff_t y_stride, std::size_t M, std::size_t N,
              std::size_t K) {
  kernels::quantized_linear_few_rows(test_pool(), {x, x_stride, W, bias, y, y_stride, M, N, K});
}

// Calls check(name) with every set of kernels that this machine can run.
template <class Check>
void for_each_kernels(const Check& check) {
  std::set<const kernels::QuantizedKernels*> tried = {nullptr};  // a class without vectors
  for_each_simd_class([&](const char*) {
    const kernels::QuantizedKernels* const kind = kernels::quantized_kernels();
    if (tried.insert(kind).second) check(kind->name);
  });
}

struct Inputs {
  QuantizedCase W;
  std::size_t M;
  std::vector<float> x, bias;  // [M, K], [N] or empty
};

template <class Kernel>
std::vector<float> run(Kernel kernel, const Inputs& in) {
  const std::size_t N = in.W.N, K = in.W.K;
  std::vector<float> y(in.M * N, -1.0F);
  kernel(in.x.data(), static_cast<std::ptrdiff_t>(K), in.W.matrix(),
         in.bias.empty() ? nullptr : in.bias.data(), y.data(), static_cast<std::ptrdiff_t>(N), in.M,
         N, K);
  return y;
}

// x that is whole numbers of 16 bits and a power of two in every group, and so loses nothing.
std::vector<float> exact_rows(std::size_t M, std::size_t K, std::size_t group,
                              std::mt19937_64& random) {
  std::uniform_int_distribution<int> draw(-kernels::kMostCode, kernels::kMostCode);
  std::vector<float> x(M * K);
  for (std::size_t at = 0; at < x.size(); at += group) {
    const float scale = std::ldexp(1.0F, static_cast<int>(random() % 8) - 15);
    for (std::size_t k = at; k < at + group; ++k) x[k] = scale * static_cast<float>(draw(random));
    x[at + random() % group] = (random() % 2 == 0 ? 1.0F : -1.0F) * scale * kernels::kMostCode;
  }
  return x;
}

// The bound of quantized_linear.h on the error of y[m, n], and 1 rounding of the truth; `exact`: x
// is as exact_rows() makes it.
double bound(const Inputs& in, std::size_t m, const std::vector<float>& row,
             const std::vector<double>& magnitudes, double truth, bool exact) {
  const std::size_t K = in.W.K, group = static_cast<std::size_t>(in.W.format.group_size);
  const float* const x = in.x.data() + m * K;
  double lost = 0, added = 0;
  for (std::size_t first = 0; first < K; first += group) {
    double largest = 0;
    for (std::size_t k = first; k < first + group; ++k) {
      largest = std::max(largest, std::abs(static_cast<double>(x[k])));
    }
    const double step = exact ? 0.0 : 0.51 / kernels::kMostCode * largest;
    for (std::size_t k = first; k < first + group; ++k) {
      lost += std::abs(static_cast<double>(row[k])) * step;
      added += magnitudes[k] * (std::abs(static_cast<double>(x[k])) + step);
    }
  }
  const double roundings = static_cast<double>(K) / 14 + 12;
  return lost + kUnitRoundoff * (roundings * added + std::abs(truth)) + 1e-30;
}

std::string text(const Inputs& in, const char* name) {
  return std::string(name) + ": " + to_string(in.W.format) + ", scales " +
         std::to_string(static_cast<int>(in.W.scale_type)) + ", M " + std::to_string(in.M) + " N " +
         std::to_string(in.W.N) + " K " + std::to_string(in.W.K);
}

// Every set of kernels stays within the bound.
void expect_within_bound(const Inputs& in, bool exact) {
  const std::size_t N = in.W.N;
  const std::vector<float> truth = run(kernels::quantized_linear_reference, in);
  std::vector<double> bounds(truth.size());
  std::vector<float> row(in.W.K);
  for (std::size_t n = 0; n < N; ++n) {
    kernels::dequantize_row(in.W.matrix(), n, in.W.K, row.data());
    const std::vector<double> magnitudes = in.W.magnitudes(n);
    for (std::size_t m = 0; m < in.M; ++m) {
      bounds[m * N + n] = bound(in, m, row, magnitudes, truth[m * N + n], exact);
    }
  }
  for_each_kernels([&](const char* name) {
    const std::vector<float> y = run(few_rows, in);
    for (std::size_t at = 0; at < y.size(); ++at) {
      ASSERT_NEAR(y[at], truth[at], bounds[at]) << text(in, name) << " at " << at;
    }
  });
}

struct QuantizedShape {
  std::size_t M, N, K;
};

// One size varied at a time; K over the units in which weights are unpacked and their remainders.
std::vector<QuantizedShape> quantized_shapes() {
  std::vector<QuantizedShape> shapes;
  for (const std::size_t K : {128, 256, 384, 512, 640, 1024, 1152, 2816}) {
    for (const std::size_t M : {1, 3}) shapes.push_back({M, 13, K});
  }
  for (std::size_t N = 1; N <= 20; ++N) shapes.push_back({1 + N % 2, N, 256});
  for (std::size_t M = 1; M <= kLinearDotRows; ++M) shapes.push_back({M, 6, 384});
  return shapes;
}

TEST(DequantizeRow, GivesWhatMlxGives) {
  const std::vector<QuantizedCase> cases = mlx_cases();
  EXPECT_EQ(cases.size(), 6U * 3U * 3U + 1U);
  for (const QuantizedCase& c : cases) {
    // MLX computes in the scales' type: code x scale is rounded to it, and so is the sum.
    const double u = c.scale_type == WeightType::kF32    ? 0x1p-24
                     : c.scale_type == WeightType::kBF16 ? 0x1p-8
                                                         : 0x1p-11;
    const auto group = static_cast<std::size_t>(c.format.group_size);
    std::vector<float> row(c.K);
    for (std::size_t n = 0; n < c.N; ++n) {
      const float* const wanted = c.values.data() + n * c.K;
      kernels::dequantize_row(c.matrix(), n, c.K, row.data());
      for (std::size_t k = 0; k < c.K; ++k) {
        double largest = 0;
        for (std::size_t at = 0; at < group; ++at) {
          largest =
              std::max(largest, std::abs(static_cast<double>(wanted[k / group * group + at])));
        }
        // |code x scale| is at most the group's largest less its smallest value.
        const bool mxfp4 = c.format.mode == QuantizationMode::kMxfp4;
        ASSERT_NEAR(row[k], wanted[k], mxfp4 ? 0.0 : u * (2.1 * largest + largest))
            << c.name << " at " << n << ", " << k;
      }
    }
  }
}

TEST(QuantizedLinearReference, IsTheFormulaOverTheDequantisedRows) {
  for (const QuantizedCase& c : mlx_cases()) {
    std::mt19937_64 random(5);
    const std::vector<float> x = uniform_floats(2 * c.K, 1.0F, random);
    const std::vector<float> bias = uniform_floats(c.N, 1.0F, random);
    std::vector<float> y(2 * c.N), row(c.K);
    kernels::quantized_linear_reference(x.data(), static_cast<std::ptrdiff_t>(c.K), c.matrix(),
                                        bias.data(), y.data(), static_cast<std::ptrdiff_t>(c.N), 2,
                                        c.N, c.K);
    for (std::size_t n = 0; n < c.N; ++n) {
      kernels::dequantize_row(c.matrix(), n, c.K, row.data());
      for (std::size_t m = 0; m < 2; ++m) {
        double sum = bias[n], magnitudes = std::abs(bias[n]);
        for (std::size_t k = 0; k < c.K; ++k) {
          sum += static_cast<double>(row[k]) * x[m * c.K + k];
          magnitudes += std::abs(static_cast<double>(row[k]) * x[m * c.K + k]);
        }
        // Each element of the rows is rounded once, and y once.
        EXPECT_NEAR(y[m * c.N + n], sum, 2.1 * kUnitRoundoff * magnitudes) << c.name;
      }
    }
  }
}

TEST(QuantizedLinear, LosesNothingOfXThatIsWholeNumbers) {
  std::mt19937_64 random(11);
  for (const Quantization& format : all_formats()) {
    for (const QuantizedShape& shape : quantized_shapes()) {
      const WeightType type = kScaleTypes[(shape.N + shape.K / 128) % 3];
      Inputs in{random_case(format, type, shape.N, shape.K, 0.1F, random), shape.M, {}, {}};
      in.x = exact_rows(shape.M, shape.K, static_cast<std::size_t>(format.group_size), random);
      if (shape.N % 2 == 0) in.bias = uniform_floats(shape.N, 1.0F, random);
      expect_within_bound(in, true);
    }
  }
}

// K that is no multiple of 128, for formats with smaller groups.
TEST(QuantizedLinear, TakesEveryNumberOfGroups) {
  std::mt19937_64 random(12);
  for (const Quantization& format : all_formats()) {
    const auto group = static_cast<std::size_t>(format.group_size);
    for (std::size_t groups = 1; groups <= 37; ++groups) {
      const std::size_t M = 1 + groups % 5, K = groups * group;
      Inputs in{random_case(format, kScaleTypes[groups % 3], 5, K, 0.1F, random), M, {}, {}};
      in.x = exact_rows(M, K, group, random);
      expect_within_bound(in, true);
    }
  }
}

TEST(QuantizedLinear, StaysWithinTheBoundOnAnyX) {
  std::mt19937_64 random(13);
  for (const Quantization& format : all_formats()) {
    for (const std::size_t M : {1, 5}) {
      const std::size_t K = 1024;
      Inputs in{random_case(format, WeightType::kBF16, 40, K, 0.02F, random), M, {}, {}};
      in.x = uniform_floats(M * K, 3.0F, random);
      for (std::size_t at = 5; at < in.x.size(); at += 77) in.x[at] *= 200.0F;  // outliers
      for (std::size_t at = 0; at < 128; ++at) in.x[at] = 0.0F;
      expect_within_bound(in, false);
    }
  }
}

TEST(QuantizedLinear, EveryTargetHasTheSameIntegerSums) {
  // Scale 1, bias 0, one group: y is the sum of code x whole number, below 2^24 and so exact.
  std::mt19937_64 random(14);
  QuantizedCase W =
      random_case({QuantizationMode::kAffine, 4, 32}, WeightType::kF32, 50, 32, 1.0F, random);
  const float one = 1.0F;
  for (std::size_t at = 0; at < W.scales.size(); at += 4) std::memcpy(&W.scales[at], &one, 4);
  std::fill(W.biases.begin(), W.biases.end(), std::byte{0});
  Inputs in{W, 3, uniform_floats(3 * 32, 9000.0F, random), {}};
  for (std::size_t at = 0; at < in.x.size(); ++at) {
    in.x[at] = at % 32 == 7 ? static_cast<float>(kernels::kMostCode) : std::rint(in.x[at]);
  }
  const std::vector<float> truth = run(kernels::quantized_linear_reference, in);
  EXPECT_EQ(run(few_rows, in), truth);
  for_each_kernels([&](const char* name) { EXPECT_EQ(run(few_rows, in), truth) << name; });
}

TEST(QuantizedLinear, ForcedKernelsAreReallyDifferent) {
  std::set<const kernels::QuantizedKernels*> kinds;
  std::set<std::string> names;
  for_each_kernels([&](const char* name) {
    kinds.insert(kernels::quantized_kernels());
    names.insert(name);
  });
  // Classes that have kernels of their own for few rows.
  std::set<std::string_view> with_own = {"sse4",        "avx2", "avx2-vnni", "avx512",
                                         "avx512-vnni", "neon", "neon-dot"};
  if (HWY_STATIC_TARGET != HWY_SCALAR) with_own.insert("scalar");
  std::size_t wanted = 0;
  for (const std::string_view name : kernels::simd_classes()) wanted += with_own.count(name);
  EXPECT_EQ(kinds.size(), wanted);
  EXPECT_EQ(names.size(), kinds.size());
}

#ifdef XLSTM_NEON_DOTS
TEST(QuantizedLinear, TakesTheInstructionsThatAnArmProcessorHas) {
  const bool dot = kernels::has_simd(kernels::kNeonDot);
  EXPECT_EQ(std::string(kernels::quantized_kernels()->name) == "NEON SDOT", dot);
  EXPECT_EQ(kernels::int8_tile() != nullptr, dot || kernels::has_simd(kernels::kNeonInt8Matrix));
  EXPECT_EQ(kernels::bf16_tile() != nullptr, kernels::has_simd(kernels::kNeonBf16Matrix));
}
#endif

TEST(QuantizedLinear, WritesItsOutputsAndNothingElseAtEveryAlignment) {
  std::mt19937_64 random(15);
  for (const Quantization& format : all_formats()) {
    for (const std::size_t offset : {0, 1, 3}) {
      const std::size_t M = 3, N = 9 + offset, K = 384;
      Inputs in{random_case(format, WeightType::kBF16, N, K, 0.1F, random), M, {}, {}};
      in.x = uniform_floats(M * K, 1.0F, random);
      in.bias = uniform_floats(N, 1.0F, random);
      // The same values, moved by `offset` elements, rows of x and y farther apart.
      std::vector<std::uint32_t> words(offset);
      words.insert(words.end(), in.W.words.begin(), in.W.words.end());
      const std::size_t size = format.mode == QuantizationMode::kMxfp4 ? 1 : 2;
      std::vector<std::byte> scales(offset * size), biases(offset * size);
      scales.insert(scales.end(), in.W.scales.begin(), in.W.scales.end());
      biases.insert(biases.end(), in.W.biases.begin(), in.W.biases.end());
      std::vector<float> x(offset + M * (K + offset));
      for (std::size_t at = 0; at < M * K; ++at) {
        x[offset + at / K * (K + offset) + at % K] = in.x[at];
      }
      kernels::QuantizedMatrix W = in.W.matrix();
      W.words = words.data() + offset;
      W.scales = scales.data() + offset * size;
      if (W.biases != nullptr) W.biases = biases.data() + offset * size;
      for_each_kernels([&](const char* name) {
        const std::vector<float> wanted = run(on(test_pool(), kernels::quantized_linear), in);
        GuardedRows y(M, N, N + offset, offset);
        kernels::quantized_linear(test_pool(), x.data() + offset,
                                  static_cast<std::ptrdiff_t>(K + offset), W, in.bias.data(),
                                  y.data(), static_cast<std::ptrdiff_t>(N + offset), M, N, K);
        EXPECT_EQ(y.values(), wanted) << text(in, name) << " offset " << offset;
        EXPECT_TRUE(y.intact()) << text(in, name) << " offset " << offset;
      });
    }
  }
}

// Memory behind whose last byte nothing may be read.
class BeforeAWall {
 public:
  BeforeAWall(const void* bytes, std::size_t count) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t pages = round_up(count, page);
    size_ = pages + page;
    memory_ = static_cast<std::byte*>(
        mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_NE(memory_, MAP_FAILED);
    mprotect(memory_ + pages, page, PROT_NONE);
    begin_ = memory_ + pages - count;
    if (count != 0) std::memcpy(begin_, bytes, count);
  }
  ~BeforeAWall() { munmap(memory_, size_); }
  BeforeAWall(const BeforeAWall&) = delete;
  BeforeAWall& operator=(const BeforeAWall&) = delete;
  const std::byte* data() const { return begin_; }

 private:
  std::byte *memory_, *begin_;
  std::size_t size_;
};

TEST(QuantizedLinear, ReadsNothingBehindItsArrays) {
  std::mt19937_64 random(16);
  for (const Quantization& format : all_formats()) {
    const auto group = static_cast<std::size_t>(format.group_size);
    for (const std::size_t N : {1, 3, 70}) {
      for (const std::size_t groups : {1, 5, 9, 17, 26}) {
        const std::size_t K = groups * group, M = groups % 2 == 0 ? 2 : 5;
        Inputs in{random_case(format, kScaleTypes[N % 3], N, K, 0.1F, random), M, {}, {}};
        in.x = uniform_floats(M * K, 1.0F, random);
        const BeforeAWall words(in.W.words.data(), in.W.words.size() * 4);
        const BeforeAWall scales(in.W.scales.data(), in.W.scales.size());
        const BeforeAWall biases(in.W.biases.data(), in.W.biases.size());
        const BeforeAWall x(in.x.data(), in.x.size() * 4);
        kernels::QuantizedMatrix W = in.W.matrix();
        W.words = reinterpret_cast<const std::uint32_t*>(words.data());
        W.scales = scales.data();
        if (W.biases != nullptr) W.biases = biases.data();
        for_each_kernels([&](const char* name) {
          std::vector<float> y(M * N);
          kernels::quantized_linear(test_pool(), reinterpret_cast<const float*>(x.data()),
                                    static_cast<std::ptrdiff_t>(K), W, nullptr, y.data(),
                                    static_cast<std::ptrdiff_t>(N), M, N, K);
          EXPECT_EQ(y, run(on(test_pool(), kernels::quantized_linear), in)) << text(in, name);
        });
      }
    }
  }
}

TEST(QuantizedLinear, ThreadCountDoesNotChangeABit) {
  std::mt19937_64 random(17);
  for (const QuantizedShape& shape :
       {QuantizedShape{1, 1001, 1024}, {1, 3, 8192}, {6, 700, 640}, {20, 500, 512}}) {
    Inputs in{random_case({}, WeightType::kBF16, shape.N, shape.K, 0.1F, random), shape.M, {}, {}};
    in.x = uniform_floats(shape.M * shape.K, 1.0F, random);
    ThreadPool alone(1);
    const std::vector<float> one = run(on(alone, kernels::quantized_linear), in);
    for (const std::size_t threads : {2, 3, 5, 8}) {
      ThreadPool pool(threads);
      EXPECT_EQ(run(on(pool, kernels::quantized_linear), in), one)
          << text(in, "") << " on " << threads;
    }
  }
}

TEST(QuantizedLinear, ARowOfFewDoesNotDependOnTheOthers) {
  std::mt19937_64 random(18);
  for (const Quantization& format : all_formats()) {
    const std::size_t N = 11, K = 384;
    Inputs all{random_case(format, WeightType::kBF16, N, K, 0.1F, random), kLinearDotRows, {}, {}};
    all.x = uniform_floats(kLinearDotRows * K, 1.0F, random);
    for_each_kernels([&](const char* name) {
      const std::vector<float> y = run(few_rows, all);
      for (std::size_t M = 1; M < kLinearDotRows; ++M) {
        const Inputs some{
            all.W, M, {all.x.end() - static_cast<std::ptrdiff_t>(M * K), all.x.end()}, {}};
        const std::vector<float> last = run(few_rows, some);
        EXPECT_EQ(std::vector<float>(last.end() - N, last.end()),
                  std::vector<float>(y.end() - N, y.end()))
            << text(some, name);
      }
    });
  }
}

TEST(QuantizedLinear, ANanOrInfinityInOneRowOfXReachesThatRowOnly) {
  std::mt19937_64 random(19);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::quiet_NaN()}) {
    for (const std::size_t k : {0, 100, 191}) {
      Inputs in{
          random_case({QuantizationMode::kAffine, 4, 32}, WeightType::kF32, 10, 192, 0.1F, random),
          4,
          uniform_floats(4 * 192, 1.0F, random),
          {}};
      in.x[2 * 192 + k] = bad;
      for_each_kernels([&](const char* name) {
        const std::vector<float> y = run(on(test_pool(), kernels::quantized_linear), in);
        for (std::size_t at = 0; at < y.size(); ++at) {
          ASSERT_EQ(std::isnan(y[at]), at / 10 == 2) << text(in, name) << " at " << at;
        }
      });
    }
  }
}

TEST(QuantizedLinear, ANanInWStaysInItsColumn) {
  std::mt19937_64 random(20);
  for (const Quantization& format : all_formats()) {
    const std::size_t N = 12, K = 3 * static_cast<std::size_t>(format.group_size);
    Inputs in{random_case(format, WeightType::kF32, N, K, 0.1F, random), 2, {}, {}};
    in.x = uniform_floats(2 * K, 1.0F, random);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (std::size_t group = 3 * 4; group < 3 * 5; ++group) {  // those of column 4
      if (format.mode == QuantizationMode::kMxfp4) {
        in.W.scales[group] = std::byte{255};
      } else {
        std::memcpy(&in.W.scales[group * 4], &nan, 4);
      }
    }
    for_each_kernels([&](const char* name) {
      const std::vector<float> y = run(on(test_pool(), kernels::quantized_linear), in);
      for (std::size_t at = 0; at < y.size(); ++at) {
        ASSERT_EQ(std::isnan(y[at]), at % N == 4) << text(in, name) << " at " << at;
      }
    });
  }
}

TEST(QuantizedLinear, HugeTinyAndEmptyInputsGiveWhatTheyShould) {
  std::mt19937_64 random(21);
  Inputs in{random_case({}, WeightType::kF32, 5, 64, 0.1F, random), 1, {}, {1, 2, 3, 4, 5}};
  for (const float size : {0.0F, 1e-38F, 1e-45F}) {
    in.x.assign(64, size);
    for_each_kernels([&](const char* name) {
      EXPECT_EQ(run(on(test_pool(), kernels::quantized_linear), in), in.bias)
          << name << " x " << size;
    });
  }
  in.bias.clear();
  in.x = uniform_floats(64, 1e36F, random);
  expect_within_bound(in, false);
  in.x = uniform_floats(64, 1e-26F, random);
  expect_within_bound(in, false);
  in.x.clear();
  in.W.K = 0;
  in.bias = {1, 2, 3, 4, 5};
  EXPECT_EQ(run(on(test_pool(), kernels::quantized_linear), in), in.bias);
  in.bias.clear();
  EXPECT_EQ(run(on(test_pool(), kernels::quantized_linear), in), std::vector<float>(5, 0.0F));
}

}  // namespace
}  // namespace xlstm::testing
