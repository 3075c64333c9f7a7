// Products of some rows on a GPU against sums in float64, in every format of weights; none where
// there is no GPU of compute capability 9.0 or newer.
#include "xlstm/cuda/tensor_rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <ostream>
#include <utility>

#include "tests/cuda/product_fixture.h"
#include "xlstm/base/error.h"
#include "xlstm/cuda/tensor_row.h"
#include "xlstm/cuda/warpgroup_rows.h"
#include "xlstm/kernels/linear/linear.h"
#include "xlstm/kernels/quantize/quantize.h"
#include "xlstm/kernels/quantized_linear/quantized_linear.h"

namespace xlstm::cuda {
namespace {

struct Case {
  Quantization format;
  DType scale_type = DType::kBF16;
};

std::string name_of_case(const ::testing::TestParamInfo<Case>& info) {
  const Case& c = info.param;
  if (c.format.mode == QuantizationMode::kMxfp4) return "mxfp4";
  return str("bits_", c.format.bits, "_groups_", c.format.group_size, "_scales_",
             c.scale_type == DType::kBF16 ? "bfloat16" : "float32");
}

void PrintTo(const Case& c, std::ostream* out) {
  *out << to_string(c.format);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  if (!has_gpu_of_9_0()) return all;
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int group : {32, 64, 128}) {
      all.push_back({Quantization{QuantizationMode::kAffine, bits, group}});
    }
  }
  all.push_back({Quantization{QuantizationMode::kAffine, 4, 64}, DType::kF32});
  all.push_back({Quantization{QuantizationMode::kAffine, 8, 32}, DType::kF32});
  all.push_back({Quantization{QuantizationMode::kMxfp4, 4, 32}, DType::kU8});
  return all;
}

class TensorRowsOf : public ProductTest, public ::testing::WithParamInterface<Case> {
 protected:
  Matrix matrix(std::int64_t N, std::int64_t K) {
    Matrix out;
    out.values = uniform(N * K, 1);
    out.sizes.resize(out.values.size());
    const Quantization format = GetParam().format;
    const bool affine = format.mode == QuantizationMode::kAffine;
    const TensorShape groups = {N, K / format.group_size};
    const DType scale_type = GetParam().scale_type;
    QuantizedTensor W = {b.allocate({N, quantized_words(format, K)}, DType::kU32, "words"),
                         b.allocate(groups, scale_type, "scales"),
                         affine ? b.allocate(groups, scale_type, "biases") : Tensor(), format};
    kernels::QuantizedRows rows;
    rows.words = reinterpret_cast<std::uint32_t*>(b.writable(W.words).data());
    rows.scales = b.writable(W.scales).data();
    rows.biases = affine ? b.writable(W.biases).data() : nullptr;
    rows.scale_type =
        scale_type == DType::kBF16 ? kernels::WeightType::kBF16 : kernels::WeightType::kF32;
    kernels::quantize_rows(out.values.data(), static_cast<std::size_t>(N),
                           static_cast<std::size_t>(K), format, kernels::Rounding::kMinMax, nullptr,
                           rows);
    const kernels::QuantizedMatrix numbers = {format, rows.words, rows.scales, rows.biases,
                                              rows.scale_type};
    for (std::int64_t n = 0; n < N; ++n) {
      kernels::dequantize_row(numbers, static_cast<std::size_t>(n), static_cast<std::size_t>(K),
                              out.values.data() + n * K);
    }
    // Scales are at most 2 / (2^bits - 1), twice the largest weight.
    const float scale = affine ? 2.01F / static_cast<float>((1 << format.bits) - 1) : 0.0F;
    for (std::size_t at = 0; at < out.values.size(); ++at) {
      out.sizes[at] = std::abs(out.values[at]) + scale * (format.bits == 8 ? 4800 : 384);
    }
    out.tensor = W;
    return out;
  }

  bool fits(std::int64_t M, std::int64_t N, std::int64_t K) {
    Workspace work;
    return TensorRows(work)
        .plan(M, N, K, GetParam().format, GetParam().scale_type, false)
        .has_value();
  }
};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TensorRowsOf);
INSTANTIATE_TEST_SUITE_P(Formats, TensorRowsOf, ::testing::ValuesIn(cases()), name_of_case);

struct Shape {
  std::int64_t M, N, K;
};
// A unit; ends of slices of every length, groups of 128 columns; more units than multiprocessors,
// and more than a block takes in one pass.
const Shape kShapes[] = {{1, 16, 128},    {2, 48, 384},    {3, 272, 1152},  {8, 2144, 640},
                         {9, 32, 2176},   {16, 64, 1280},  {17, 160, 384},  {33, 96, 1152},
                         {64, 2240, 256}, {1, 17024, 128}, {40, 15024, 128}};

TEST_P(TensorRowsOf, ProductIsTheSum) {
  for (const auto& [M, N, K] : kShapes) {
    SCOPED_TRACE(str(M, " ", N, " ", K));
    ASSERT_TRUE(fits(M, N, K));
    Workspace work;
    const bool rounded =
        WarpgroupRows(work).plan(M, N, K, GetParam().format, GetParam().scale_type).has_value();
    const auto x = uniform(M * K, 1), bias = uniform(N, 1);
    const Matrix W = matrix(N, K);
    Truth truth = product(x, W, M, N, K, rounded ? 0x1p-8 : 0);
    for (std::size_t at = 0; at < truth.y.size(); ++at) {
      truth.y[at] += static_cast<double>(bias[at % static_cast<std::size_t>(N)]);
    }
    const Dense dense = b.prepare(Dense{W.tensor, activations({N}, bias)});
    expect_near(b.linear(activations({M, K}, x), dense), truth.y, truth.bound);
  }
}

TEST_P(TensorRowsOf, ColumnsNeedNotBeWholeSlicesOrPieces) {
  const std::int64_t group = GetParam().format.group_size;
  for (const std::int64_t groups : {1, 3, 6, 11, 22, 35}) {
    for (const std::int64_t M : {1, 12, 50}) {
      SCOPED_TRACE(str(groups, " groups, ", M));
      const std::int64_t N = 48, K = groups * group;
      // Others go by the general way, which rounds weights to bfloat16.
      const Quantization& f = GetParam().format;
      const bool even = f.mode == QuantizationMode::kAffine || groups % 2 == 0;
      const bool whole = K * f.bits / 8 % 16 == 0 && even;
      ASSERT_EQ(fits(M, N, K), whole);
      const auto x = uniform(M * K, 1);
      const Matrix W = matrix(N, K);
      const Truth truth = product(x, W, M, N, K, whole ? 0 : 0x1p-8);
      expect_near(b.linear(activations({M, K}, x), b.prepare(Dense{W.tensor, {}})), truth.y,
                  truth.bound);
    }
  }
}

TEST_P(TensorRowsOf, OneRowHasItsOwnKernelForAnyLength) {
  // Less than a segment of 64 columns, ends of spans of 512 and of quads of 2048, rows that lie in
  // registers and longer ones, blocks with more stages than are kept and with none.
  for (const auto& [N, K] : {std::pair<std::int64_t, std::int64_t>{8, 128},
                             {24, 640},
                             {40, 2048},
                             {16, 2176},
                             {24, 4096},
                             {24, 4224},
                             {16, 10880},
                             {12968, 128}}) {
    SCOPED_TRACE(str(N, " ", K));
    // Two stages of eight such rows would not leave room for x: they go the way of more rows.
    const Quantization& f = GetParam().format;
    const bool too_long = f.bits == 8 && f.group_size == 32 && K > 10000;
    Workspace work;
    ASSERT_EQ(TensorRow(work).plan({.N = N, .K = K}, f, GetParam().scale_type).has_value(),
              !too_long);
    const auto x = uniform(K, 1), y = uniform(N, 4);
    const Matrix W = matrix(N, K);
    Truth truth = product(x, W, 1, N, K, 0);
    for (std::size_t at = 0; at < y.size(); ++at) truth.y[at] += static_cast<double>(y[at]);
    expect_near(b.linear_add(activations({1, K}, x), b.prepare(Dense{W.tensor, {}}),
                             activations({1, N}, y)),
                truth.y, truth.bound);
  }
}

TEST_P(TensorRowsOf, OneRowMayHaveAnyRange) {
  constexpr std::int64_t N = 16, K = 640;
  const Matrix W = matrix(N, K);
  const Dense dense = b.prepare(Dense{W.tensor, {}});
  auto x = uniform(K, 1);
  for (std::size_t at = 0; at < x.size(); ++at) {  // 1 to 2^-20 beside each other
    x[at] *= std::ldexp(1.0F, -static_cast<int>(at % 21));
  }
  for (const float range : {0.0F, 0x1p-90F, 0x1p-20F, 1.0F, 0x1p15F, 0x1p90F}) {
    SCOPED_TRACE(range);
    auto ranged = x;
    for (float& each : ranged) each *= range;
    const Truth truth = product(ranged, W, 1, N, K, 0);
    expect_near(b.linear(activations({1, K}, ranged), dense), truth.y, truth.bound);
  }
}

TEST_P(TensorRowsOf, HeadsAreNormedBeforeTheProduct) {
  constexpr std::int64_t NH = 2, DHQK = 64, DHV = 256, N = 48, K = NH * DHV;
  const MlstmMixerSpec spec = {NH, DHQK, DHV, 1e-6F, 1e-6F, 15.0F};
  const Tensor qkvo = activations({1, 2 * NH * DHQK + 2 * K}, uniform(2 * NH * DHQK + 2 * K, 2));
  const Tensor gates = b.floats({1, 2 * NH}, uniform(2 * NH, 2));
  const Norm norm = b.prepare(Norm{activations({K}, uniform(K, 1)), {}});
  const auto new_states = [&] {
    State state;
    state.tensors = {b.filled({NH, DHQK, DHV}, 0), b.filled({NH, DHQK}, 0), b.filled({NH}, 0)};
    auto states = b.state_batch();
    states->add(std::move(state));
    return states;
  };
  const auto states = new_states(), same = new_states();
  const Tensor mixed = b.to_float32(b.mlstm_mixer(qkvo, gates, norm, spec, {*states, 0}));
  const auto x = b.read_floats(mixed);
  const auto y = uniform(N, 4);
  const Matrix W = matrix(N, K);
  // Both round what they multiply to bfloat16, and compute it in orders of their own.
  Truth truth = product({x.begin(), x.end()}, W, 1, N, K, 0x1p-7);
  for (std::size_t at = 0; at < y.size(); ++at) truth.y[at] += static_cast<double>(y[at]);
  expect_near(b.mlstm_mixer_add(qkvo, gates, norm, spec, {*same, 0}, b.prepare(Dense{W.tensor, {}}),
                                activations({1, N}, y)),
              truth.y, truth.bound);
}

TEST_P(TensorRowsOf, WarpgroupsTakeManyRows) {
  const Quantization& f = GetParam().format;
  const bool served = f.mode == QuantizationMode::kAffine && (f.bits == 4 || f.bits == 8) &&
                      GetParam().scale_type == DType::kBF16;
  // A tile of 64 rows of W; ends of slices of 128 columns and of rows of x; more tiles than blocks
  // take in one pass, with one slice and with more than a ring has stages; clusters of two and of
  // four blocks, the last of which have fewer slices.
  for (const auto& [M, N, K, cluster] : {std::array<std::int64_t, 4>{17, 64, 128, 1},
                                         {20, 192, 384, 1},
                                         {20, 64, 384 + (f.group_size < 128 ? 64 : 0), 1},
                                         {33, 128, 1152, 2},
                                         {64, 2240, 256, 1},
                                         {50, 64 * 600, 128, 1},
                                         {17, 64 * 529, 1536, 1},
                                         {64, 64 * 60, 2432, 4},
                                         {64, 256, 2432, 4}}) {
    SCOPED_TRACE(str(M, " ", N, " ", K));
    Workspace work;
    const auto plan = WarpgroupRows(work).plan(M, N, K, f, GetParam().scale_type);
    ASSERT_EQ(plan.has_value(), served && work.device().capability() == 90);
    if (!plan) continue;
    if (work.device().multiprocessors() == 132) {
      EXPECT_EQ(plan->args.cluster, cluster);
    }
    const auto x = uniform(M * K, 1), y = uniform(M * N, 4);
    const Matrix W = matrix(N, K);
    Truth truth = product(x, W, M, N, K, 0x1p-8);  // weights are rounded to bfloat16
    for (std::size_t at = 0; at < y.size(); ++at) truth.y[at] += static_cast<double>(y[at]);
    const Dense dense = b.prepare(Dense{W.tensor, {}});
    const Tensor first = b.linear_add(activations({M, K}, x), dense, activations({M, N}, y));
    expect_near(first, truth.y, truth.bound);
    // Blocks join their sums in one order.
    const Tensor again = b.linear_add(activations({M, K}, x), dense, activations({M, N}, y));
    const Tensor one = b.to_float32(first), other = b.to_float32(again);
    const auto values = b.read_floats(one), same = b.read_floats(other);
    EXPECT_TRUE(std::equal(values.begin(), values.end(), same.begin(), same.end()));
  }
}

TEST_P(TensorRowsOf, ResidualIsAddedInPlaceOrBeside) {
  constexpr std::int64_t M = 5, N = 112, K = 256;
  const auto x = uniform(M * K, 1), y = uniform(M * N, 4);
  const Matrix W = matrix(N, K);
  Truth truth = product(x, W, M, N, K, 0);
  for (std::size_t at = 0; at < y.size(); ++at) truth.y[at] += static_cast<double>(y[at]);
  const Dense dense = b.prepare(Dense{W.tensor, {}});
  expect_sum(activations({M, K}, x), dense, {M, N}, y, truth);
}

TEST_P(TensorRowsOf, NormComesBeforeProductAndGates) {
  // Of 20 and 40 rows, warpgroups take 192 rows of W; the norm writes their order of columns.
  for (const auto& [M, N] :
       {std::pair<std::int64_t, std::int64_t>{1, 144}, {4, 144}, {20, 144}, {20, 192}, {40, 192}}) {
    SCOPED_TRACE(str(M, " ", N));
    constexpr std::int64_t K = 640, N2 = 6;
    const auto x = uniform(M * K, 3), weight = uniform(K, 2), gates = uniform(N2 * K, 1);
    // The normed x is rounded to bfloat16, as weights may be.
    expect_normed_products(x, weight, gates, matrix(N, K), 0x1p-7);
  }
}

TEST_P(TensorRowsOf, SwigluJoinsTheHalves) {
  for (const std::int64_t M : {1, 7, 33}) {
    for (const std::int64_t F : {8, 72, 3000, 3008}) {  // warpgroups: multiples of 32
      SCOPED_TRACE(str(M, " ", F));
      constexpr std::int64_t K = 256;
      const auto x = uniform(M * K, 1), weight = uniform(K, 0.25F);
      expect_swiglu(x, weight, matrix(2 * F, K), 0x1p-7);
    }
  }
}

}  // namespace
}  // namespace xlstm::cuda
