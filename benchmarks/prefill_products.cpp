// What the products of a prompt cost: every layer of a model with many rows of x, for each type of
// weights, as a share of the rate of the instructions that multiply there, with the error against
// float64.
//
//   bench_prefill_products [MODEL] [ROWS]      400m, 512
//
// "tok/s" is what these products alone allow; the head is not among them, as only the last row of a
// prompt needs it. Medians; repeat lines of which the peak before and after differ: the machine had
// other work.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "benchmarks/bench_pool.h"
#include "tests/kernels/linear_cases.h"
#include "tests/kernels/op_cases.h"
#include "xlstm/base/dtype.h"
#include "xlstm/kernels/linear/linear.h"
#include "xlstm/kernels/probe/probe.h"
#include "xlstm/kernels/quantized_linear/quantized_linear.h"

namespace xlstm::bench {
namespace {

using kernels::Probe;
using kernels::probe_machine;
using kernels::same_state;

using kernels::QuantizedMatrix;
using kernels::WeightType;

struct Layer {
  std::string name;
  std::size_t N, K;
};

std::vector<Layer> layers_of(const std::string& model) {
  std::vector<Layer> out;
  for (const testing::LinearLayer& layer : testing::linear_layers()) {
    const std::string name = layer.layer;
    if (layer.model == model && name != "lm_head" && name != "gates") {
      out.push_back({name, layer.N, layer.K});
    }
  }
  return out;
}

// One product: how to do it, how to do some rows of it exactly, and the rate of the instructions
// that multiply there.
struct Product {
  std::function<void(const float*x, float*y, std::size_t M)> run, reference;
  double Probe::*peak;
};

// Weights live in the product.
Product dense(WeightType type, const Layer& layer, std::mt19937_64& random) {
  std::normal_distribution<float> draw(0.0F, 0.02F);
  const std::size_t size = kernels::weight_bytes(type), N = layer.N, K = layer.K;
  auto W = std::make_shared<std::vector<std::byte>>(N * K * size);
  for (std::size_t at = 0; at < N * K; ++at) {
    const float value = draw(random);
    const std::uint16_t half = bf16_from_float(value);
    std::memcpy(W->data() + at * size, size == 4 ? static_cast<const void*>(&value) : &half, size);
  }
  const auto with = [=](auto kernel) {
    return [=](const float* x, float* y, std::size_t M) {
      kernel(x, static_cast<std::ptrdiff_t>(K), W->data(), type, nullptr, y,
             static_cast<std::ptrdiff_t>(N), M, N, K);
    };
  };
  return {with(testing::on(pool(), kernels::linear)), with(kernels::linear_reference),
          kernels::linear_rounds_x(type) ? &Probe::bf16_gflops : &Probe::peak_gflops};
}

Product quantised(const Quantization& format, const Layer& layer, std::mt19937_64& random) {
  struct Memory {
    std::vector<std::uint32_t> words;
    std::vector<std::uint8_t> powers;
    std::vector<float> scales, biases;
  };
  const std::size_t N = layer.N, K = layer.K;
  const std::size_t groups = N * K / static_cast<std::size_t>(format.group_size);
  auto memory = std::make_shared<Memory>();
  memory->words.resize(N * K * static_cast<std::size_t>(format.bits) / 32);
  for (std::uint32_t& word : memory->words) word = static_cast<std::uint32_t>(random());
  memory->powers.assign(groups, 120);
  for (std::size_t at = 0; at < groups; ++at) {
    const float scale = static_cast<float>(1 + random() % 100) * 0x1p-13F;
    memory->scales.push_back(scale);
    memory->biases.push_back(-scale * static_cast<float>(1 << (format.bits - 1)));
  }
  const bool mxfp4 = format.mode == QuantizationMode::kMxfp4;
  const void* const scales = mxfp4 ? static_cast<const void*>(memory->powers.data())
                                   : static_cast<const void*>(memory->scales.data());
  const QuantizedMatrix W{format, memory->words.data(), scales,
                          mxfp4 ? nullptr : memory->biases.data(), WeightType::kF32};
  const auto with = [=](auto kernel) {
    return [=](const float* x, float* y, std::size_t M) {
      (void)memory;  // kept alive
      kernel(x, static_cast<std::ptrdiff_t>(K), W, nullptr, y, static_cast<std::ptrdiff_t>(N), M, N,
             K);
    };
  };
  return {with(testing::on(pool(), kernels::quantized_linear)),
          with(kernels::quantized_linear_reference),
          !kernels::quantized_linear_rounds_x() ? &Probe::peak_gflops
          : format.bits == 4                    ? &Probe::int4_gops
                                                : &Probe::int8_gops};
}

// Root mean square of the error, as a share of that of the results; of the first rows.
double error_of(const Product& product, const std::vector<float>& x, const std::vector<float>& y,
                const Layer& layer) {
  constexpr std::size_t kRows = 2;
  std::vector<float> truth(kRows * layer.N);
  product.reference(x.data(), truth.data(), kRows);
  double errors = 0, squares = 0;
  for (std::size_t at = 0; at < truth.size(); ++at) {
    errors += std::pow(static_cast<double>(y[at]) - truth[at], 2);
    squares += std::pow(static_cast<double>(truth[at]), 2);
  }
  return std::sqrt(errors / squares);
}

double median_seconds(const std::function<void()>& work) {
  constexpr int kRepeats = 15;
  std::vector<double> times;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    times.push_back(took.count());
  }
  std::nth_element(times.begin(), times.begin() + kRepeats / 2, times.end());
  return times[kRepeats / 2];
}

// Seconds of one product; prints its line.
double measure(const std::string& type, const Layer& layer, const Product& product, std::size_t M) {
  std::mt19937_64 random(2);
  std::normal_distribution<float> draw;
  std::vector<float> x(M * layer.K), y(M * layer.N);
  for (float& value : x) value = draw(random);
  const Probe before = probe_machine(pool());
  const double seconds = median_seconds([&] { product.run(x.data(), y.data(), M); });
  const Probe after = probe_machine(pool());
  const double rate =
      2e-9 * static_cast<double>(M * layer.N) * static_cast<double>(layer.K) / seconds;
  const double peak = std::max(before.*product.peak, after.*product.peak);  // 0: not probed here
  std::printf("%-10s %-9s %6zu x %-6zu %7.0f %6.1f %9.1e   %.0f %.0f\n", type.c_str(),
              layer.name.c_str(), layer.N, layer.K, rate, peak > 0 ? 100 * rate / peak : 0.0,
              error_of(product, x, y, layer), before.*product.peak, after.*product.peak);
  std::fflush(stdout);
  return seconds;
}

void measure_all(const std::string& model, std::size_t M) {
  const std::size_t blocks = model == "xLSTM-7b" ? 32 : model == "400m" ? 24 : 8;
  std::printf("%-10s %-9s %15s %7s %6s %9s   %s\n", "weights", "layer", "N x K", "GOP/s", "%peak",
              "error", "peak before, after");
  const auto model_of = [&](const std::string& type, const auto& product_of) {
    double seconds = 0;
    for (const Layer& layer : layers_of(model)) {
      std::mt19937_64 random(1);
      seconds += measure(type, layer, product_of(layer, random), M);
    }
    std::printf("%-10s all layers: %.0f tok/s\n", type.c_str(),
                static_cast<double>(M) / seconds / static_cast<double>(blocks));
  };
  for (const WeightType type : {WeightType::kF32, WeightType::kBF16}) {
    model_of(testing::name_of(type),
             [&](const Layer& layer, auto& random) { return dense(type, layer, random); });
  }
  for (const Quantization& format : {Quantization{QuantizationMode::kAffine, 8, 64},
                                     Quantization{QuantizationMode::kAffine, 4, 64},
                                     Quantization{QuantizationMode::kAffine, 4, 32},
                                     Quantization{QuantizationMode::kMxfp4, 4, 32}}) {
    const bool affine = format.mode == QuantizationMode::kAffine;
    const std::string type = (affine ? "affine" : "mxfp") + std::to_string(format.bits) + "-" +
                             std::to_string(format.group_size);
    model_of(type,
             [&](const Layer& layer, auto& random) { return quantised(format, layer, random); });
  }
}

}  // namespace
}  // namespace xlstm::bench

int main(int argc, char** argv) {
  const std::string model = argc > 1 ? argv[1] : "400m";
  const long rows = argc > 2 ? std::atol(argv[2]) : 512;
  if (rows < 1 || xlstm::bench::layers_of(model).empty()) {
    std::fprintf(stderr, "usage: bench_prefill_products [classics-8m|400m|xLSTM-7b] [ROWS]\n");
    return 2;
  }
  xlstm::bench::measure_all(model, static_cast<std::size_t>(rows));
}
