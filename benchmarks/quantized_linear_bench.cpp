// quantized_linear() over the layers of real models, as shares of what the machine can do at that
// moment: bytes of words, scales and biases against the read bandwidth.
//
//   bench_quantized_linear --benchmark_filter='400m/.*/affine4-64/M:1$' --benchmark_repetitions=5
//
// GB/s and %read are of the median call. A line marked "unsteady" was measured while the machine
// changed its state; repeat it.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "benchmarks/bench_pool.h"
#include "benchmarks/measuring.h"
#include "tests/kernels/linear_cases.h"
#include "xlstm/base/dtype.h"
#include "xlstm/kernels/probe/probe.h"
#include "xlstm/kernels/quantized_linear/quantized_kernels.h"
#include "xlstm/kernels/quantized_linear/quantized_linear.h"

namespace xlstm::bench {
namespace {

using kernels::Probe;
using kernels::probe_machine;
using kernels::QuantizedMatrix;
using kernels::WeightType;
using testing::LinearLayer;

constexpr std::size_t kBeyondCache = std::size_t{192} << 20;

// As many copies of a matrix as do not fit in the cache; scales and biases are bfloat16.
class Copies {
 public:
  Copies(const Quantization& format, std::size_t N, std::size_t K)
      : format_(format), N_(N), words_(N * K * static_cast<std::size_t>(format.bits) / 32) {
    const bool affine = format.mode == QuantizationMode::kAffine;
    factors_ = N * K / static_cast<std::size_t>(format.group_size) * (affine ? 2 : 1);
    count_ = std::max<std::size_t>(1, kBeyondCache / bytes());
    std::mt19937_64 random(1);
    all_words_.resize(words_ * count_);
    for (std::uint32_t& word : all_words_) word = static_cast<std::uint32_t>(random());
    // Magnitudes about 0.01 in either format.
    const std::uint16_t factor = affine ? bf16_from_float(0.01F) : 0x7878;
    scales_.resize(factors_ * count_ / 2 + 1, factor);
    biases_ = scales_;
  }
  std::size_t bytes() const {
    return words_ * 4 + factors_ * (format_.mode == QuantizationMode::kAffine ? 2 : 1);
  }
  std::size_t count() const { return count_; }
  QuantizedMatrix operator[](std::size_t copy) const {
    const bool affine = format_.mode == QuantizationMode::kAffine;
    const auto* const scales = reinterpret_cast<const std::byte*>(scales_.data());
    const auto* const biases = reinterpret_cast<const std::byte*>(biases_.data());
    return {format_, all_words_.data() + copy * words_, scales + copy * factors_,
            affine ? biases + copy * factors_ : nullptr, WeightType::kBF16};
  }

 private:
  Quantization format_;
  std::size_t N_, words_, factors_ = 0, count_ = 0;
  std::vector<std::uint32_t> all_words_;
  std::vector<std::uint16_t> scales_, biases_;
};

void run(benchmark::State& state, const LinearLayer& layer, const Quantization& format,
         std::size_t M) {
  const Copies W(format, layer.N, layer.K);
  const std::vector<float> x(M * layer.K, 0.5F);
  std::vector<float> y(M * layer.N);
  const Probe before = probe_machine(pool());
  std::vector<double> times;
  std::size_t copy = 0;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    kernels::quantized_linear(pool(), x.data(), static_cast<std::ptrdiff_t>(layer.K), W[copy],
                              nullptr, y.data(), static_cast<std::ptrdiff_t>(layer.N), M, layer.N,
                              layer.K);
    benchmark::DoNotOptimize(y.data());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    times.push_back(took.count());
    copy = (copy + 1) % W.count();
  }
  const Probe after = probe_machine(pool());
  const double operations = 2.0 * static_cast<double>(M * layer.N) * static_cast<double>(layer.K);
  report(state, times, static_cast<double>(W.bytes()), operations, before, after);
}

std::vector<Quantization> formats() {
  std::vector<Quantization> out;
  for (const int bits : {2, 3, 4, 5, 6, 8}) out.push_back({QuantizationMode::kAffine, bits, 64});
  out.push_back({QuantizationMode::kAffine, 4, 32});
  out.push_back({QuantizationMode::kAffine, 4, 128});
  out.push_back({QuantizationMode::kMxfp4, 4, 32});
  return out;
}

void register_all() {
  for (const LinearLayer& layer : testing::linear_layers()) {
    for (const Quantization& format : formats()) {
      const auto group = static_cast<std::size_t>(format.group_size);
      if (layer.K % group != 0) continue;
      const char* const mode = format.mode == QuantizationMode::kAffine ? "affine" : "mxfp";
      for (const std::size_t M : {1, 2, 4, 8, 16, 32, 128, 512}) {
        const std::string name = std::string(layer.model) + "/" + layer.layer + "/" + mode +
                                 std::to_string(format.bits) + "-" + std::to_string(group) +
                                 "/M:" + std::to_string(M);
        register_case(name, [=](benchmark::State& state) { run(state, layer, format, M); });
      }
    }
  }
}

}  // namespace
}  // namespace xlstm::bench

int main(int argc, char** argv) {
  xlstm::bench::register_all();
  return xlstm::bench::run_all(argc, argv);
}
