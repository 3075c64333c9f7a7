// A prompt through the blocks of xLSTM-7B on a GPU: tokens a second, and what share of the GPU's
// rate of bfloat16 products that is, measured beside it. Random weights, as many distinct ones as
// no cache holds.
//
//   bench_cuda_prefill [tokens [bits [blocks]]]     bits: 0, bfloat16 (default), or of quantised
//                                                   weights; blocks: how many run, of 32
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "benchmarks/cuda_tensors.h"
#include "xlstm/base/error.h"
#include "xlstm/cuda/cuda_backend.h"

namespace {
using namespace xlstm;

constexpr std::int64_t D = 4096, F = 10944, NH = 8, DHQK = 256, DHV = 512, kBlocks = 32;
constexpr std::int64_t kQkvo = 2 * NH * DHQK + 2 * NH * DHV, kDistinct = 4;
// Of a token: two for each weight of a block, and the cell's (docs/performance.md).
constexpr double kFlops = 13.47e9;

struct Block {
  Dense qkvo, out, up, down;
};

class Prefill {
 public:
  Prefill(std::shared_ptr<Backend> backend, int bits)
      : backend_(std::move(backend)), b_(*backend_), random_(b_, bits) {
    for (std::int64_t i = 0; i < kDistinct; ++i) {
      blocks_.push_back({random_.matrix(kQkvo, D), random_.matrix(D, D), random_.matrix(2 * F, D),
                         random_.matrix(D, F)});
    }
    norm_ = b_.prepare(Norm{b_.filled({D}, 1), {}});
    gates_ = b_.prepare(Dense{b_.to_float32(random_.tensor({2 * NH, D}, DType::kBF16)), {}});
  }

  struct Result {
    double seconds;  // for a prompt
    double rate;     // operations a second of large products
  };
  // `tokens` tokens through `blocks` blocks, and in turns with it, for as long, products of 8192
  // cubed: a GPU that is busy for seconds is slower than one that was idle. Medians.
  Result measure(std::int64_t tokens, std::int64_t blocks) {
    const Tensor prompt = random_.tensor({std::min(tokens, b_.segment_tokens()), D}, DType::kBF16);
    const auto states = b_.state_batch();
    State state;
    for (std::int64_t block = 0; block < blocks; ++block) {
      state.tensors.push_back(b_.filled({NH, DHQK, DHV}, 0));
      state.tensors.push_back(b_.filled({NH, DHQK}, 0));
      state.tensors.push_back(b_.filled({NH}, 0));
    }
    states->add(std::move(state));
    constexpr std::int64_t kSize = 8192;
    const Tensor x = random_.tensor({kSize, kSize}, DType::kBF16);
    const Dense W = b_.prepare(Dense{random_.tensor({kSize, kSize}, DType::kBF16), {}});
    const auto read_all = [&] {
      for (std::int64_t begin = 0; begin < tokens; begin += prompt.shape()[0]) {
        read(prompt, *states, blocks);
      }
    };
    const auto multiply = [&] { b_.linear(x, W); };
    seconds_of(read_all, 1);
    seconds_of(multiply, 1);
    const double one = seconds_of(multiply, 8) / 8, all = seconds_of(read_all, 1);
    const int products = std::max(8, static_cast<int>(all / one));
    std::vector<double> prompts, rates;
    for (int i = 0; i < 9; ++i) {
      prompts.push_back(seconds_of(read_all, 1));
      rates.push_back(2.0 * kSize * kSize * kSize * products / seconds_of(multiply, products));
    }
    return {median(prompts), median(rates)};
  }

 private:
  void read(const Tensor& prompt, StateBatch& states, std::int64_t blocks) {
    const MlstmMixerSpec spec = {NH, DHQK, DHV, 1e-6F, 1e-6F, 15.0F};
    Tensor x = prompt;
    for (std::int64_t i = 0; i < blocks; ++i) {
      const Block& block = blocks_[static_cast<std::size_t>(i % kDistinct)];
      auto [qkvo, gates] = b_.mlstm_projections(x, norm_, 1e-6F, block.qkvo, gates_);
      x = b_.mlstm_mixer_add(qkvo, gates, norm_, spec, {states, static_cast<std::size_t>(3 * i)},
                             block.out, std::move(x));
      const Tensor z = b_.norm_swiglu(x, norm_, 1e-6F, block.up);
      x = b_.linear_add(z, block.down, std::move(x));
    }
  }

  double seconds_of(const std::function<void()>& run, int times) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < times; ++i) run();
    b_.synchronize();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  static double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  }

  std::shared_ptr<Backend> backend_;
  Backend& b_;
  benchmarks::RandomTensors random_;
  std::vector<Block> blocks_;
  Norm norm_;
  Dense gates_;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::int64_t tokens = argc > 1 ? std::atoll(argv[1]) : 2048;
    const int bits = argc > 2 ? std::atoi(argv[2]) : 0;
    const std::int64_t blocks = argc > 3 ? std::atoll(argv[3]) : kBlocks;
    Prefill prefill(cuda::make_backend(DType::kBF16), bits);
    const Prefill::Result result = prefill.measure(tokens, blocks);
    const double rate = result.rate;
    const double seconds =
        result.seconds * static_cast<double>(kBlocks) / static_cast<double>(blocks);
    const double per_second = static_cast<double>(tokens) / seconds;
    std::printf("%lld tokens, %s: %.1f ms, %.0f tokens/s, %.1f%% of %.0f TFLOP/s\n",
                static_cast<long long>(tokens), bits == 0 ? "bfloat16" : "quantised", seconds * 1e3,
                per_second, per_second * kFlops / rate * 100, rate * 1e-12);
  } catch (const xlstm::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
