// The Metal kernels of the mLSTM mixer in every type of activations, with every tile that a
// benchmark may choose, in every order of threads: by the emulator, against float64.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "mlx/transforms.h"
#include "tests/kernels/mlstm_cases.h"
#include "tests/metal/emulated_launcher.h"
#include "xlstm/kernels/gates/gates.h"
#include "xlstm/mlx/metal/fused_ops.h"
#include "xlstm/mlx/metal/kernel_texts.h"

namespace xlstm::testing {
namespace {

namespace mx = ::mlx::core;
using metal_emulator::Options;
using mlx::metal::Tuning;

const mx::Device kCpu = mx::Device::cpu;

mlx::DeviceArray array_of(const std::vector<float>& values, std::initializer_list<std::size_t> axes,
                          mx::Dtype type = mx::float32) {
  mx::Shape shape;
  for (const std::size_t axis : axes) shape.push_back(static_cast<int>(axis));
  mx::array a = mx::astype(mx::array(values.begin(), shape, mx::float32), type, kCpu);
  a.eval();
  return {a, kCpu};
}

std::vector<float> values_of(const mx::array& a) {
  mx::array numbers = mx::contiguous(mx::astype(a, mx::float32, kCpu), false, kCpu);
  numbers.eval();
  return {numbers.data<float>(), numbers.data<float>() + numbers.size()};
}

std::vector<float> rounded(const std::vector<float>& values, mx::Dtype type) {
  return values_of(array_of(values, {values.size()}, type).array);
}

// Half a unit in the last place of 1.
double unit_roundoff(mx::Dtype type) {
  return type == mx::float32 ? 0x1p-24 : type == mx::float16 ? 0x1p-11 : 0x1p-8;
}

constexpr float kCap = 15;
constexpr float kNormEps = 1e-6F;

// A mixer's inputs, as `type` has them: those of the cell, o-gate, weight and bias of the norm.
struct MixerData {
  MlstmData cell;
  std::vector<float> o, weight, bias;  // [T, NH * DHV], [NH * DHV]
};

MixerData mixer_data(const MlstmCase& c, mx::Dtype type) {
  MixerData in{make_data(c), {}, {}, {}};
  const std::size_t V = c.NH * c.DHV;
  for (std::size_t x = 0; x < c.B * c.S * V; ++x) {
    in.o.push_back(6 * std::sin(static_cast<float>(3 * x + 1)));
  }
  for (std::size_t x = 0; x < V; ++x) {
    in.weight.push_back(1 + 0.5F * std::sin(static_cast<float>(x)));
    in.bias.push_back(0.3F * std::cos(static_cast<float>(x)));
  }
  for (auto* part : {&in.cell.q, &in.cell.k, &in.cell.v, &in.o, &in.weight, &in.bias}) {
    *part = rounded(*part, type);
  }
  return in;
}

// [T, A], [T, B], ... side by side: [T, A + B + ...].
std::vector<float> side_by_side(const std::vector<const std::vector<float>*>& parts,
                                std::size_t T) {
  std::vector<float> out;
  for (std::size_t t = 0; t < T; ++t) {
    for (const std::vector<float>* part : parts) {
      const std::size_t width = part->size() / T;
      const auto first = part->begin() + static_cast<std::ptrdiff_t>(t * width);
      out.insert(out.end(), first, first + static_cast<std::ptrdiff_t>(width));
    }
  }
  return out;
}

// What the cell reads: gates with their cap, rounded once.
MlstmData capped(MlstmData cell) {
  for (auto* gates : {&cell.i, &cell.f}) {
    kernels::soft_cap_reference(gates->data(), nullptr, kCap, gates->data(), gates->size(), 1);
  }
  return cell;
}

struct Output {
  std::vector<double> y, bound;
};

// y = sigmoid(o) (w x + b), x = (h - mean) / deviation. An error e of h moves x_j, to first order,
// by (e_j - mean(e) - x_j mean(x e)) / deviation; the sums of float32 round by u (DHV + 8) (|x_j| +
// 1); the gate and products add 8 u, and the result is rounded once to its type. The capped gates
// are rounded by 12 u (kernels/gates/gates.h) where the reference rounds them by one: an exponent
// of the cell errs by 12 u |gate|, which `cell_bound`, with u |gate| a token and gate, has not
// counted.
Output truth_of(const MlstmCase& c, const MixerData& in, const MlstmResult& cell,
                const MlstmResult& cell_bound, mx::Dtype type) {
  constexpr double u = 0x1p-24;
  const auto n = static_cast<double>(c.DHV);
  Output out;
  for (std::size_t first = 0; first < cell.h.size(); first += c.DHV) {
    double mean = 0, squares = 0, mean_error = 0, mean_product = 0;
    for (std::size_t j = 0; j < c.DHV; ++j) mean += cell.h[first + j] / n;
    for (std::size_t j = 0; j < c.DHV; ++j) squares += std::pow(cell.h[first + j] - mean, 2);
    const double deviation = std::sqrt(squares / n + kNormEps);
    const auto x = [&](std::size_t j) { return (cell.h[first + j] - mean) / deviation; };
    const auto error = [&](std::size_t j) { return 12.0 * cell_bound.h[first + j]; };
    for (std::size_t j = 0; j < c.DHV; ++j) {
      mean_error += error(j) / n;
      mean_product += std::abs(x(j)) * error(j) / n;
    }
    for (std::size_t j = 0; j < c.DHV; ++j) {
      const std::size_t at = first % (c.NH * c.DHV) + j;
      const double s = 1 / (1 + std::exp(-static_cast<double>(in.o[first + j])));
      const double largest_h = std::abs(cell.h[first + j]) + std::abs(mean);
      const double of_x = (error(j) + mean_error + std::abs(x(j)) * mean_product) / deviation +
                          u * (n + 8) * (std::abs(x(j)) + 1 + largest_h / deviation);
      const double y = s * (in.weight[at] * x(j) + in.bias[at]);
      const double size = s * (std::abs(in.weight[at] * x(j)) + std::abs(in.bias[at]));
      out.y.push_back(y);
      out.bound.push_back(s * std::abs(in.weight[at]) * of_x + 8 * u * size +
                          unit_roundoff(type) * (std::abs(y) + 0x1p-14));
    }
  }
  return out;
}

std::string worst_of(const std::vector<float>& got, const Output& truth) {
  if (got.size() != truth.y.size()) return "another number of outputs";
  double worst = 1;
  std::string text;
  for (std::size_t at = 0; at < got.size(); ++at) {
    const double ratio = std::abs(got[at] - truth.y[at]) / truth.bound[at];
    if (ratio <= worst) continue;
    worst = std::isnan(ratio) ? INFINITY : ratio;
    text = "y[" + std::to_string(at) + "] wanted " + std::to_string(truth.y[at]) + " +- " +
           std::to_string(truth.bound[at]) + ", got " + std::to_string(got[at]);
  }
  return text;
}

// "" where the mixer's output and the states after it are within their bounds.
std::string check_mixer(const MlstmCase& c, mx::Dtype type, const Options& options,
                        const Tuning& tuning = {}) {
  const MixerData in = mixer_data(c, type);
  const MlstmData cell_in = capped(in.cell);
  const MlstmResult cell = reference(c, cell_in), bound = bounds(c, cell_in, cell);
  const std::size_t T = c.B * c.S, V = c.NH * c.DHV;
  const auto qkvo = side_by_side({&in.cell.q, &in.cell.k, &in.cell.v, &in.o}, T);
  const auto gates = side_by_side({&in.cell.i, &in.cell.f}, T);
  mlx::metal::MetalFusedOps ops(emulated_launcher(options), tuning);
  const auto out =
      ops.mlstm_mixer(array_of(qkvo, {T, qkvo.size() / T}, type), array_of(gates, {T, 2 * c.NH}),
                      array_of(in.weight, {V}, type), array_of(in.bias, {V}, type).array,
                      {static_cast<std::int64_t>(c.NH), static_cast<std::int64_t>(c.DHQK),
                       static_cast<std::int64_t>(c.DHV), kNormEps, 1e-6F, kCap},
                      {array_of(in.cell.C, {c.B, c.NH, c.DHQK, c.DHV}),
                       array_of(in.cell.n, {c.B, c.NH, c.DHQK}), array_of(in.cell.m, {c.B, c.NH})});
  if (!out) return "no kernel serves it";
  if (out->h.dtype() != type) return "of another type";
  const std::string y = worst_of(values_of(out->h), truth_of(c, in, cell, bound, type));
  if (!y.empty()) return y;
  MlstmResult wide = bound;  // gates err by 12 roundings rather than one: see truth_of()
  for (auto* part : {&wide.C, &wide.n, &wide.m}) {
    for (float& each : *part) each *= 12;
  }
  return compare({cell.h, values_of(out->state.C.array), values_of(out->state.n.array),
                  values_of(out->state.m.array)},
                 cell, wide);
}

std::vector<MlstmCase> cases() {
  return {{"golden_large_plain", 1, 1, 4, 16, 32}, {"odd_all_over", 2, 1, 3, 5, 7},
          {"classics_8m", 2, 70, 4, 32, 64},       {"odd_all_over", 2, 67, 3, 5, 7},
          {"width_736", 1, 40, 1, 92, 184},        {"one_of_all", 1, 3, 1, 1, 1}};
}

TEST(MetalKernels, MixersOfEveryTypeAgreeWithFloat64) {
  for (const mx::Dtype type : {mx::float32, mx::float16, mx::bfloat16}) {
    for (const MlstmCase& c : cases()) {
      EXPECT_EQ(check_mixer(c, type, {.checked = true}), "")
          << c.name << ", " << c.S << " tokens, " << unit_roundoff(type);
    }
  }
}

TEST(MetalKernels, EveryTileAgreesWithFloat64) {
  for (const int chunk : {32, 64, 128, 256}) {
    for (const std::size_t S : {2, 31, 32, 33, 63, 64, 65, 129, 257}) {
      const MlstmCase c{"tiles", 1, S, 1, 20, 36};
      EXPECT_EQ(check_mixer(c, mx::float32, {}, {.chunk = chunk}), "") << S << " by " << chunk;
    }
  }
  for (const int threads : {32, 64, 256, 512}) {
    const MlstmCase c{"tiles", 2, 1, 2, 48, 100};
    EXPECT_EQ(check_mixer(c, mx::float32, {.checked = true}, {.step_threads = threads}), "")
        << threads;
  }
}

TEST(MetalKernels, NothingDependsOnTheOrderOfThreadsOrTheLayoutOfMatrices) {
  const MlstmCase step{"classics_8m", 2, 1, 4, 32, 64}, chunk{"classics_8m", 1, 70, 2, 32, 64};
  for (const unsigned seed : {1U, 2U, 3U}) {
    for (const MlstmCase& c : {step, chunk}) {
      EXPECT_EQ(check_mixer(c, mx::float32, {.seed = seed, .permute_matrices = true}), "") << seed;
      EXPECT_EQ(check_mixer(c, mx::bfloat16, {.seed = seed, .flush_denormals = true}), "") << seed;
    }
  }
}

// A second opinion on every text that a Mac may get: in each type of activations, and with many
// elements and with few, which MLX puts into constant memory.
TEST(MetalKernels, TextsKeepMemoryOfEachKindApart) {
  if (!metal_emulator::check_missing().empty()) {
    GTEST_SKIP() << "address spaces are not checked: " << metal_emulator::check_missing();
  }
  std::vector<std::string> checked;
  const auto launch = [&](const mlx::metal::KernelCall& call) {
    check_kernel(call);
    checked.push_back(call.kernel);
    std::vector<mx::array> out;
    for (const auto& each : call.outputs) out.push_back(mx::zeros(each.shape, each.dtype, kCpu));
    return out;
  };
  mlx::metal::MetalFusedOps ops(launch);
  const auto zeros = [](mx::Shape shape, mx::Dtype type) {
    return mlx::DeviceArray{mx::zeros(std::move(shape), type, kCpu), kCpu};
  };
  for (const mx::Dtype type : {mx::float32, mx::float16, mx::bfloat16}) {
    for (const int NH : {1, 8}) {
      for (const int S : {1, 40}) {
        const int QK = NH * 2, V = NH * 3;
        const mlx::MlstmArrays state = {zeros({1, NH, 2, 3}, mx::float32),
                                        zeros({1, NH, 2}, mx::float32),
                                        zeros({1, NH}, mx::float32)};
        const MlstmMixerSpec spec = {NH, 2, 3, kNormEps, 1e-6F, kCap};
        const auto gates = zeros({S, 2 * NH}, mx::float32), weight = zeros({V}, type);
        const auto qkvo = zeros({S, 2 * QK + 2 * V}, type);
        EXPECT_TRUE(ops.mlstm_mixer(qkvo, gates, weight, weight.array, spec, state));
        EXPECT_TRUE(ops.mlstm_mixer(qkvo, gates, weight, std::nullopt, spec, state));
        const auto i = zeros({S, NH}, mx::float32), q = zeros({S, QK}, type);
        EXPECT_TRUE(ops.mlstm_cell({q, q, zeros({S, V}, type), i, i}, spec, state));
        const auto part = zeros({1, NH, 2}, mx::float32);
        EXPECT_TRUE(ops.slstm_scan(zeros({S, 4 * NH}, type), zeros({S, 4 * NH}, type),
                                   zeros({NH, 2, 8}, type), zeros({NH, 8}, mx::float32),
                                   {part, part, part, part}));
      }
      EXPECT_TRUE(ops.soft_cap(zeros({NH, 4}, type), kCap));
      for (const auto mode : {QuantizationMode::kAffine, QuantizationMode::kMxfp4}) {
        const bool affine = mode == QuantizationMode::kAffine;
        const auto scales = zeros({NH, 2}, affine ? type : mx::uint8);
        EXPECT_TRUE(ops.embed({zeros({NH, 8}, mx::uint32).array,
                               scales.array,
                               affine ? std::optional(scales.array) : std::nullopt,
                               {mode, 4, 32}},
                              zeros({NH, 1}, mx::int32), type));
      }
      for (const Activation f : {Activation::kSilu, Activation::kGelu, Activation::kRelu,
                                 Activation::kRelu2, Activation::kSigmoid, Activation::kSelu}) {
        EXPECT_TRUE(ops.activate(zeros({NH, 4}, type), f));
        EXPECT_TRUE(ops.gated(zeros({NH, 4}, type), f));
      }
      const auto weight = zeros({2 * NH}, type);
      for (const auto& bias : {std::optional(weight.array), std::optional<mx::array>()}) {
        EXPECT_TRUE(ops.head_norm(zeros({3, 2 * NH}, mx::float32), weight, bias, NH, kNormEps));
        for (const int I : {2, 40}) {
          EXPECT_TRUE(ops.headwise_linear(zeros({1, NH * I}, type), zeros({NH, 2, I}, type), bias));
        }
      }
      EXPECT_TRUE(ops.causal_conv1d(zeros({5, NH}, type), zeros({NH, 4}, mx::float32),
                                    zeros({NH}, mx::float32), zeros({1, 3, NH}, mx::float32)));
      EXPECT_TRUE(ops.embed(zeros({NH, 4}, type), zeros({NH, 1}, mx::int32), mx::float32));
    }
  }
  EXPECT_TRUE(ops.likeliest(zeros({2, 9}, mx::float32), zeros({9}, mx::bool_).array));
  EXPECT_TRUE(ops.likeliest(zeros({1, 3}, mx::float32), std::nullopt));
  std::sort(checked.begin(), checked.end());
  checked.erase(std::unique(checked.begin(), checked.end()), checked.end());
  std::size_t kernels = 0;
  for (const auto& each : mlx::metal::kernel_texts()) {
    kernels += each.text.find("\nkernel void ") != std::string_view::npos;
  }
  EXPECT_EQ(checked.size(), kernels);
}

TEST(MetalKernels, HeadsOfTheLargeModels) {
  for (const std::size_t S : {1, 40}) {
    EXPECT_EQ(check_mixer({"xlstm_7b_head", 1, S, 1, 256, 512}, mx::bfloat16, {}), "") << S;
    EXPECT_EQ(check_mixer({"scaling_400m_head", 1, S, 2, 128, 256}, mx::bfloat16, {}), "") << S;
  }
}

}  // namespace
}  // namespace xlstm::testing
