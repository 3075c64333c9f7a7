// Is a token at position 100,000 as cheap as one at position 100? Prints time and memory at both.
//
//   bench_positions [MODEL_FOLDER [POSITION ...]]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "mlx/mlx.h"
#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/model/model.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/discover.h"

namespace {
namespace mx = mlx::core;
using namespace xlstm;

constexpr int kSteps = 200;

mx::array some_tokens(std::int64_t count, std::int64_t V) {
  std::vector<int> ids(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int>((i * 2654435761U) % V);
  return mx::array(ids.begin(), {1, static_cast<int>(count)}, mx::int32);
}

struct Figure {
  double median_us, best_us;
  std::size_t active_bytes;
};

// kSteps decode steps on a copy of `state`, so that the position stays what it is.
Figure measure_decode(const Model& model, ModelState state) {
  std::vector<double> times;
  mx::array token = mx::array({7}, {1, 1}, mx::int32);
  std::size_t active = 0;
  for (int step = 0; step < kSteps; ++step) {
    const auto start = std::chrono::steady_clock::now();
    ForwardResult out = model.forward(token, state);
    state = ModelState();
    token = mx::reshape(mx::argmax(out.logits, -1), {1, 1});
    token.eval();
    state = std::move(out.state);
    state.eval();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    times.push_back(took.count());
    active = std::max(active, mx::get_active_memory());
  }
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times.front(), active};
}

void run(const std::string& folder, const std::vector<std::int64_t>& positions) {
  const auto source = open_weights(folder);
  const Model model = Model::load(discover(folder, *source), *source);
  std::printf("%10s %12s %12s %14s %14s %14s\n", "position", "median us", "best us", "MLX active",
              "resident", "state");
  ModelState state = model.initial_state();
  std::int64_t at = 0;
  for (const std::int64_t position : positions) {
    if (position > at) {
      state =
          model.prefill(some_tokens(position - at, model.plan().dims.V), std::move(state)).state;
      state.eval();
      at = position;
    }
    const Figure figure = measure_decode(model, state);
    std::printf("%10lld %12.1f %12.1f %14s %14s %14s\n", static_cast<long long>(at),
                figure.median_us, figure.best_us, human_bytes(figure.active_bytes).c_str(),
                human_bytes(resident_bytes()).c_str(), human_bytes(state.bytes()).c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::int64_t> positions;
  for (int i = 2; i < argc; ++i) positions.push_back(std::strtoll(argv[i], nullptr, 10));
  if (positions.empty()) positions = {100, 1000, 10'000, 100'000};
  try {
    run(argc > 1 ? argv[1] : XLSTM_DEFAULT_MODEL, positions);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_positions: %s\n", error.what());
    return 1;
  }
}
