// What tensor_rows.cu does to bring W, its scales and x into shared memory.
#pragma once

#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/bulk_copy.cuh"
#include "xlstm/cuda/kernels/packed_pairs.cuh"
#include "xlstm/cuda/kernels/slice_ring.cuh"

using xlstm::cuda::RowProductArgs;
using xlstm::cuda::TensorMap;
using xlstm::cuda::TensorRowsArgs;
using xlstm::cuda::TensorRowsMaps;

constexpr int kWarps = 8, kThreads = kWarps * kWarp;  // that compute
constexpr int kCopyThreads = 128;                     // one of them copies; so many share registers
constexpr int kMostStages = 16;
constexpr int kRows = 16, kChunk = 32;  // of a unit, and columns that a warp takes together

#if __CUDA_ARCH__ >= 900

struct Barriers {
  uint64 full[kMostStages], empty[kMostStages], table_full, table_empty;
};

// The units of this block.
__device__ inline SlicedRows units_of_block(const RowProductArgs& a, const TensorRowsArgs& t) {
  const int64 all = a.N / kRows;
  const int begin = static_cast<int>(all * blockIdx.x / gridDim.x);
  const int end = static_cast<int>(all * (blockIdx.x + 1) / gridDim.x);
  return {begin, end - begin, t.units, (a.K + t.slice - 1) / t.slice};
}

// The row of W that row r of a unit is.
__device__ inline int row_of(const RowProductArgs& a, int unit, int r) {
  if (a.swiglu == 0) return unit * kRows + r;
  return unit * (kRows / 2) + r % (kRows / 2) + (r < kRows / 2 ? 0 : a.N / 2);
}

constexpr int kPiece = 128;  // bytes of a row that are copied together

// What the copying thread does. A copy takes it some 70 ns, so that they are large: a piece of all
// units' rows, whether this block has as many or one less. A barrier of a stage hears of the thread
// twice, for W and for x.
template <int kFormat>
struct Copies {
  const RowProductArgs& a;
  const TensorRowsArgs& t;
  const TensorRowsMaps& maps;
  char* shared;
  Barriers& barriers;

  // A piece of t.units units' rows.
  __device__ void of_piece(char* to, const TensorMap& map, int unit, int byte,
                           uint64* barrier) const {
    if (a.swiglu != 0) {  // boxes of half units
      tensor_copy(to, map, byte, unit * (kRows / 2), barrier);
      tensor_copy(to + t.units * kRows / 2 * kPiece, map, byte, a.N / 2 + unit * (kRows / 2),
                  barrier);
    } else {
      tensor_copy(to, map, byte, unit * kRows, barrier);
    }
  }

  // Scales whose rows do not begin at 16 bytes: all of a unit as they lie.
  __device__ void of_unit_as_it_lies(char* to, const void* from, int unit) const {
    const auto* const base = static_cast<const char*>(from);
    const uint32 half = t.table_row * (kRows / 2);
    const int second = a.swiglu != 0 ? a.N / 2 + unit * (kRows / 2) : unit * kRows + kRows / 2;
    const int64 first = static_cast<int64>(row_of(a, unit, 0)) * t.table_row;
    bulk_copy(to, base + first, half, &barriers.table_full);
    bulk_copy(to + half, base + static_cast<int64>(second) * t.table_row, half,
              &barriers.table_full);
  }

  // Their scales and biases.
  __device__ void of_pass(int unit, int units) const {
    const int piece = t.units * kRows * kPiece;
    if (t.table_is_swizzled == 0) {
      barrier_expect(&barriers.table_full, t.table_sets * units * t.table_row * kRows);
      for (int set = 0; set < t.table_sets; ++set) {
        for (int i = 0; i < units; ++i) {
          of_unit_as_it_lies(shared + t.table_at + set * t.table_set + i * t.table_row * kRows,
                             set == 0 ? t.scales : t.biases, unit + i);
        }
      }
      return;
    }
    barrier_expect(&barriers.table_full, t.table_sets * t.table_set);
    for (int set = 0; set < t.table_sets; ++set) {
      char* const to = shared + t.table_at + set * t.table_set;
      for (int byte = 0; byte < t.table_row; byte += kPiece) {
        of_piece(to + byte / kPiece * piece, set == 0 ? maps.scales : maps.biases, unit, byte,
                 &barriers.table_full);
      }
    }
  }

  __device__ void of_weights(int stage, int unit, int slice) const {
    const int k = slice * t.slice;
    const int bytes = min(t.slice, a.K - k) * kBitsOf<kFormat> / 8;
    const int pieces = (bytes + kPiece - 1) / kPiece, piece = t.units * kRows * kPiece;
    char* const to = shared + static_cast<int64>(stage) * t.stage_bytes;
    barrier_expect(barriers.full + stage, pieces * piece);
    for (int i = 0; i < pieces; ++i) {
      of_piece(to + i * piece, maps.W, unit, k * kBitsOf<kFormat> / 8 + i * kPiece,
               barriers.full + stage);
    }
  }

  __device__ void of_x(int stage, int slice) const {
    const int k = slice * t.slice;
    char* const to = shared + static_cast<int64>(stage) * t.stage_bytes + t.x_at;
    if (t.x_together != 0) {
      barrier_expect(barriers.full + stage, t.slice / 64 * t.x_piece);
      tensor_copy(to, maps.x, 0, 0, k / 64, barriers.full + stage);
      return;
    }
    const int pieces = (min(t.slice, a.K - k) + 63) / 64;
    barrier_expect(barriers.full + stage, pieces * t.x_piece);
    for (int i = 0; i < pieces; ++i) {
      tensor_copy(to + i * t.x_piece, maps.x, (k + i * 64) * 2, 0, barriers.full + stage);
    }
  }
};

#endif
