// Which kernel, with which tiles, for which shapes: pure functions of sizes, derived from what a
// threadgroup may hold (Apple's GPUs give it 32 KB of memory; how many threads fit, the compiler's
// use of registers decides, so that no more than 512 are asked for).
#pragma once

#include <cstdint>
#include <optional>

namespace xlstm::mlx::metal {

inline constexpr int kThreadgroupBytes = 32 * 1024;

// What a benchmark on a device may change.
struct Tuning {
  int step_threads = 512;  // at most, of the step and the scan; a multiple of 32, up to 512
  int chunk = 64;          // tokens of a chunk: a multiple of 32
};

struct MlstmSizes {
  int NH, DHQK, DHV;
};

// kernels/mlstm_step/mlstm_step.metal: a threadgroup is one head of one sequence.
struct MlstmStepTile {
  int columns;     // of C, of a thread: divides DHV
  int row_groups;  // parts of the rows of C
  int threads;

  int threadgroup_bytes(const MlstmSizes& s) const {
    return 4 * (2 * s.DHQK + row_groups * s.DHV + 32);
  }
};

// None where no threadgroup can hold it.
std::optional<MlstmStepTile> mlstm_step_tile(const MlstmSizes& s, const Tuning& tuning = {});

// kernels/mlstm_chunk/: states first, then outputs.
struct MlstmChunkTile {
  int chunk;
  int rows, columns;  // of C, of a threadgroup of the states
  int simdgroups;     // of the outputs
  int blocks;         // of 8 columns, of a SIMD group of the outputs
  int stage;          // rows of V or C at a time

  static constexpr int kStatesThreads = 128;
  static constexpr int kOutputTokens = 32;

  int states_bytes() const { return 4 * (33 * rows + 32 * (columns + 4) + 4 * chunk); }
  int outputs_bytes() const;
};

std::optional<MlstmChunkTile> mlstm_chunk_tile(const MlstmSizes& s, const Tuning& tuning = {});

// kernels/slstm_scan/slstm_scan.metal: a threadgroup is one head of some sequences.
struct SlstmTile {
  int sequences;
  int threads;

  int threadgroup_bytes(int DH) const { return 4 * 5 * sequences * DH; }
};

std::optional<SlstmTile> slstm_tile(int B, int DH, const Tuning& tuning = {});

// kernels/headwise/headwise.metal: lanes that share a sum of I products, for so many rows. None
// where a product of matrices does better.
std::optional<int> headwise_lanes(int rows, int I);

}  // namespace xlstm::mlx::metal
