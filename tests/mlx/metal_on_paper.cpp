#include "tests/mlx/metal_on_paper.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "xlstm/base/ceil_div.h"
#include "xlstm/base/error.h"
#include "xlstm/base/numbers.h"
#include "xlstm/mlx/metal/tiles.h"

namespace xlstm::testing {
namespace {

using mlx::metal::MlstmSizes;

// xLSTM-7B, and a prompt of S tokens.
constexpr MlstmSizes kCell = {8, 256, 512};
constexpr std::int64_t D = 4096, F = 10944, V = 50304, L = 32, S = 2048;

// Elements of the products of a block, and of all that a token reads.
constexpr std::int64_t kQk = std::int64_t{kCell.NH} * kCell.DHQK;
constexpr std::int64_t kV = std::int64_t{kCell.NH} * kCell.DHV;
constexpr std::int64_t kBlock = (2 * kQk + 2 * kV + 2 * kCell.NH) * D + kV * D + 3 * F * D;
constexpr std::int64_t kWeights = L * kBlock + V * D;
// Of one sequence, all blocks: C, n, m in float32.
constexpr std::int64_t kHeadState = 4 * (kCell.DHQK * kCell.DHV + kCell.DHQK + 1);
constexpr std::int64_t kState = L * kCell.NH * kHeadState;

// With bfloat16 activations, as tests/mlx/node_count_test.cpp counts them.
constexpr int kNodes = 10 * static_cast<int>(L) + 8;

// What is assumed, as docs/metal-performance.md says.
constexpr double kBandwidthShare = 0.8, kRateShare = 0.7, kSecondsOfNode = 3e-6;
constexpr int kThreadsOfCore = 3072, kBytesOfCore = 60 * 1024;

std::string row(const std::vector<std::string>& cells) {
  std::string text = "|";
  for (const std::string& cell : cells) text += " " + cell + " |";
  return text + "\n";
}

std::string head(const std::vector<std::string>& cells) {
  std::string text = row(cells) + "|";
  for (std::size_t i = 0; i < cells.size(); ++i) text += "---|";
  return text + "\n";
}

// Three digits or more: 0.0512, 5.12, 51.2, 5120.
std::string rounded(double value) {
  return decimals(value, value < 0.1 ? 4 : value < 10 ? 2 : value < 100 ? 1 : 0);
}

// One layer's kernel in a step of one sequence or a prompt of S tokens.
struct Kernel {
  std::string name;
  int threadgroups, threads, group_bytes;
  double bytes, operations;
};

std::string row_of(const Kernel& k) {
  const int by_threads = kThreadsOfCore / k.threads;
  const int by_bytes = k.group_bytes == 0 ? by_threads : kBytesOfCore / k.group_bytes;
  return row({k.name, str(k.threadgroups), str(k.threads), str(k.group_bytes),
              str(std::min(by_threads, by_bytes)), rounded(k.bytes * 1e-6),
              rounded(k.operations * 1e-6), rounded(k.operations / k.bytes)});
}

// C is read, weighted, added to, written and multiplied with q: 5 operations an element.
Kernel step_kernel() {
  const auto tile = mlx::metal::mlstm_step_tile(kCell).value();
  const double state = 2.0 * kCell.NH * kHeadState;
  const double others = 2.0 * (2 * kQk + 3 * kV) + 4.0 * 2 * kCell.NH;
  return {"mlstm_step, a token",         kCell.NH,       tile.threads,
          tile.threadgroup_bytes(kCell), state + others, 5.0 * kCell.NH * kCell.DHQK * kCell.DHV};
}

// k v^T of each token; q, k, v are read once for each tile of C, the state before each chunk is
// written.
Kernel states_kernel() {
  const auto tile = mlx::metal::mlstm_chunk_tile(kCell).value();
  const int rows = ceil_div(kCell.DHQK, tile.rows);
  const int columns = ceil_div(kCell.DHV, tile.columns);
  const double chunks = static_cast<double>(S) / tile.chunk;
  return {"mlstm_chunk_states",
          rows * columns * kCell.NH,
          tile.kStatesThreads,
          tile.states_bytes(),
          (chunks + 2) * kCell.NH * kHeadState + 2.0 * S * (kQk * columns + kV * rows),
          2.0 * S * kCell.NH * kCell.DHQK * kCell.DHV};
}

// 32 tokens of a head: q with the state before the chunk, q k^T over the chunk so far, that with v.
// The state is read once for each 32 tokens.
Kernel outputs_kernel() {
  const auto tile = mlx::metal::mlstm_chunk_tile(kCell).value();
  const int groups = static_cast<int>(S) / tile.kOutputTokens * kCell.NH;
  const double intra = 2.0 * tile.chunk * (kCell.DHQK + kCell.DHV);
  return {
      "mlstm_chunk_outputs",
      groups,
      32 * tile.simdgroups,
      tile.outputs_bytes(),
      static_cast<double>(groups) * kHeadState +
          2.0 * S *
              (kQk + 2 * kV + static_cast<double>(tile.chunk) / tile.kOutputTokens * (kQk + kV)),
      S * kCell.NH * (2.0 * kCell.DHQK * kCell.DHV + intra)};
}

struct Format {
  std::string name;
  double bytes_of_weight;
};

// Groups of 64 with a scale and a bias of 16 bits.
const std::vector<Format> kFormats = {
    {"bfloat16", 2}, {"8 bits", 1 + 4.0 / 64}, {"4 bits", 0.5 + 4.0 / 64}};

double bytes_of_token(const Format& format) {
  return format.bytes_of_weight * static_cast<double>(kWeights) + 2.0 * static_cast<double>(kState);
}

struct Chip {
  std::string name;
  int cores;
  double gb_per_second, clock_ghz;
  double tflops() const { return cores * 128 * 2 * clock_ghz * 1e-3; }
};

const std::vector<Chip> kChips = {
    {"M1", 8, 68.25, 1.278},      {"M1 Pro", 16, 200, 1.296},   {"M1 Max", 32, 400, 1.296},
    {"M1 Ultra", 64, 800, 1.296}, {"M2", 10, 100, 1.398},       {"M2 Pro", 19, 200, 1.398},
    {"M2 Max", 38, 400, 1.398},   {"M2 Ultra", 76, 800, 1.398}, {"M3", 10, 100, 1.398},
    {"M3 Pro", 18, 150, 1.398},   {"M3 Max", 40, 400, 1.398},   {"M3 Ultra", 80, 819, 1.398},
    {"M4", 10, 120, 1.578},       {"M4 Pro", 20, 273, 1.578},   {"M4 Max", 40, 546, 1.578}};

double tokens_per_second(const Chip& chip, const Format& format) {
  return 1 / (bytes_of_token(format) / (kBandwidthShare * chip.gb_per_second * 1e9) +
              kNodes * kSecondsOfNode);
}

double prompt_tokens_per_second(const Chip& chip) {
  const double products = 2.0 * static_cast<double>(L * kBlock);
  const double cells = static_cast<double>(L) / static_cast<double>(S) *
                       (states_kernel().operations + outputs_kernel().operations);
  return kRateShare * chip.tflops() * 1e12 / (products + cells);
}

}  // namespace

std::string metal_kernel_table() {
  std::string text = head({"kernel, of a block", "threadgroups", "threads", "threadgroup memory, B",
                           "groups a core", "MB", "million operations", "operations a byte"});
  text += row_of(step_kernel()) + row_of(states_kernel()) + row_of(outputs_kernel());
  const double products = static_cast<double>(kBlock);
  text += row({"products, a token (MLX)", "", "", "", "", rounded(2 * products * 1e-6),
               rounded(2 * products * 1e-6), "1.00"});
  return text;
}

std::string metal_weights_table() {
  std::string text = head(
      {"weights", "GB of weights read a token", "GB with the state", "GB of weights in memory"});
  for (const Format& format : kFormats) {
    const double weights = format.bytes_of_weight * static_cast<double>(kWeights);
    const double embedding = format.bytes_of_weight * static_cast<double>(V * D);
    text +=
        row({format.name, decimals(weights * 1e-9, 2), decimals(bytes_of_token(format) * 1e-9, 2),
             decimals((weights + embedding) * 1e-9, 1)});
  }
  return text;
}

std::string metal_chip_table() {
  std::vector<std::string> cells = {"chip", "GPU cores", "GB/s", "TFLOP/s, float32"};
  for (const Format& format : kFormats) cells.push_back(format.name + ", tokens/s");
  cells.push_back("prompts, tokens/s");
  std::string text = head(cells);
  for (const Chip& chip : kChips) {
    cells = {chip.name, str(chip.cores), str(chip.gb_per_second), decimals(chip.tflops(), 1)};
    for (const Format& format : kFormats) {
      cells.push_back(decimals(tokens_per_second(chip, format), 1));
    }
    cells.push_back(decimals(prompt_tokens_per_second(chip), 0));
    text += row(cells);
  }
  return text;
}

}  // namespace xlstm::testing
