// The kernels of a decoded token on a GPU, one kind at a time, in the shapes of xLSTM-7B: a graph
// of 32 launches, each with more weights than a cache holds. Says microseconds a launch and the
// rate of memory.
//
//   bench_cuda_steps [rows [bits]]       bits: 0, bfloat16 (default), or of quantised weights
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

constexpr std::int64_t D = 4096, F = 10944, NH = 8, DHQK = 256, DHV = 512, V = 50304, kLayers = 32;

class Steps {
 public:
  Steps(std::shared_ptr<Backend> backend, std::int64_t rows, int bits)
      : b_(*backend), backend_(std::move(backend)), rows_(rows), bits_(bits), random_(b_, bits) {}

  Tensor random(const TensorShape& shape, DType dtype) { return random_.tensor(shape, dtype); }
  Tensor floats(const TensorShape& shape) { return b_.to_float32(random(shape, DType::kBF16)); }

  double bytes_of_matrix(std::int64_t N, std::int64_t K) const {
    const double bits = bits_ == 0 ? 16 : bits_ + 32.0 / 64;
    return bits / 8 * static_cast<double>(N) * static_cast<double>(K);
  }

  // `count`, of which some are the same: together more than any cache holds.
  std::vector<Dense> weights(std::int64_t N, std::int64_t K, std::int64_t count) {
    constexpr std::int64_t kDistinct = 8;
    std::vector<Dense> out;
    for (std::int64_t i = 0; i < count; ++i) {
      out.push_back(i < kDistinct ? random_.matrix(N, K)
                                  : out[static_cast<std::size_t>(i - kDistinct)]);
    }
    return out;
  }

  // `run`: all launches, the first of which reads its argument.
  void measure(const char* name, double bytes, std::int64_t launches,
               const std::function<Tensor(const Tensor&, StateBatch&)>& run,
               std::int64_t width = D) {
    const auto owner = std::make_shared<int>(0);
    const auto states = b_.state_batch();
    for (std::int64_t row = 0; row < rows_; ++row) {
      State state;
      for (std::int64_t layer = 0; layer < kLayers; ++layer) {
        state.tensors.push_back(b_.filled({NH, DHQK, DHV}, 0));
        state.tensors.push_back(b_.filled({NH, DHQK}, 0));
        state.tensors.push_back(b_.filled({NH}, 0));
      }
      states->add(std::move(state));
    }
    const Tensor x = random({rows_, width}, DType::kBF16);
    const auto step = [&] {
      return b_.repeat(owner, x, *states, [&](const Tensor& in) { return run(in, *states); });
    };
    for (int i = 0; i < 4; ++i) step();
    b_.synchronize();
    constexpr int kTimes = 20;
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kTimes; ++i) step();
    b_.synchronize();
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / kTimes;
    std::printf("%-8s %8.2f us  %7.0f GB/s\n", name, seconds / static_cast<double>(launches) * 1e6,
                bytes * static_cast<double>(launches) / seconds * 1e-9);
  }

  void run() {
    const std::int64_t QKVO = 2 * NH * DHQK + 2 * NH * DHV;
    const Norm norm = b_.prepare(Norm{floats({D}), {}});
    const Dense gates = b_.prepare(Dense{floats({2 * NH, D}), {}});
    const MlstmMixerSpec spec = {NH, DHQK, DHV, 1e-6F, 1e-6F, 15.0F};
    const Tensor qkvo_in = random({rows_, QKVO}, DType::kBF16);
    const Tensor gates_in = floats({rows_, 2 * NH});
    const Tensor wide = random({rows_, F}, DType::kBF16);
    {
      const auto qkvo = weights(QKVO, D, kLayers), out = weights(D, D, kLayers);
      const auto up = weights(2 * F, D, kLayers), down = weights(D, F, kLayers);
      measure(
          "layer",
          static_cast<double>(rows_ * 8 * NH * DHQK * DHV) + bytes_of_matrix(QKVO + D + 3 * F, D),
          kLayers, [&](const Tensor& x, StateBatch& states) {
            Tensor y = x;
            for (std::size_t layer = 0; layer < kLayers; ++layer) {
              auto [a, g] = b_.mlstm_projections(y, norm, 1e-6F, qkvo[layer], gates);
              y = b_.mlstm_mixer_add(a, g, norm, spec, {states, 3 * layer}, out[layer],
                                     std::move(y));
              const Tensor z = b_.norm_swiglu(y, norm, 1e-6F, up[layer]);
              y = b_.linear_add(z, down[layer], std::move(y));
            }
            return y;
          });
    }
    {
      const auto w = weights(QKVO, D, kLayers);
      measure("qkvo", bytes_of_matrix(QKVO, D), kLayers, [&](const Tensor& x, StateBatch&) {
        Tensor last;
        for (const Dense& each : w) last = b_.mlstm_projections(x, norm, 1e-6F, each, gates).qkvo;
        return last;
      });
    }
    measure("mixer", static_cast<double>(rows_ * 8 * NH * DHQK * DHV), kLayers,
            [&](const Tensor&, StateBatch& states) {
              Tensor last;
              for (std::size_t layer = 0; layer < kLayers; ++layer) {
                last = b_.mlstm_mixer(qkvo_in, gates_in, norm, spec, {states, 3 * layer});
              }
              return last;
            });
    {
      const auto w = weights(D, D, kLayers);
      measure("mix+out", static_cast<double>(rows_ * 8 * NH * DHQK * DHV) + bytes_of_matrix(D, D),
              kLayers, [&](const Tensor& x, StateBatch& states) {
                Tensor y = x;
                for (std::size_t layer = 0; layer < kLayers; ++layer) {
                  y = b_.mlstm_mixer_add(qkvo_in, gates_in, norm, spec, {states, 3 * layer},
                                         w[layer], std::move(y));
                }
                return y;
              });
      measure("out", bytes_of_matrix(D, D), kLayers, [&](const Tensor& x, StateBatch&) {
        Tensor y = x;
        for (const Dense& each : w) y = b_.linear_add(x, each, std::move(y));
        return y;
      });
    }
    {
      const auto w = weights(2 * F, D, kLayers);
      measure("up", bytes_of_matrix(2 * F, D), kLayers, [&](const Tensor& x, StateBatch&) {
        Tensor last;
        for (const Dense& each : w) last = b_.norm_swiglu(x, norm, 1e-6F, each);
        return last;
      });
    }
    {
      const auto w = weights(D, F, kLayers);
      measure("down", bytes_of_matrix(D, F), kLayers, [&](const Tensor& x, StateBatch&) {
        Tensor y = x;
        for (const Dense& each : w) y = b_.linear_add(wide, each, std::move(y));
        return y;
      });
    }
    {
      const auto w = weights(V, D, 4);
      measure("head", bytes_of_matrix(V, D), 4, [&](const Tensor& x, StateBatch&) {
        Tensor last;
        for (const Dense& each : w) last = b_.norm_linear(x, norm, 1e-6F, each);
        return last;
      });
    }
  }

 private:
  Backend& b_;
  std::shared_ptr<Backend> backend_;
  std::int64_t rows_;
  int bits_;
  benchmarks::RandomTensors random_;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::int64_t rows = argc > 1 ? std::atoll(argv[1]) : 1;
    const int bits = argc > 2 ? std::atoi(argv[2]) : 0;
    Steps(cuda::make_backend(DType::kBF16), rows, bits).run();
  } catch (const xlstm::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
