// What warpgroup_rows.cu does to bring W and x into shared memory.
#pragma once

#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/cluster.cuh"
#include "xlstm/cuda/kernels/column_order.cuh"
#include "xlstm/cuda/kernels/slice_ring.cuh"

using xlstm::cuda::RowProductArgs;
using xlstm::cuda::WarpgroupRowsArgs;
using xlstm::cuda::WarpgroupRowsMaps;

constexpr int kGroups = 2, kGroupThreads = 128;  // warpgroups that compute
constexpr int kThreads = kGroups * kGroupThreads;
constexpr int kCopyThreads = 128;  // one of them copies; so many share registers
constexpr int kTileRows = 64, kMostStages = 16;
constexpr int kPiece = 64;  // bytes of a row of W that lie together in shared memory

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

struct Barriers {
  uint64 full[kMostStages], empty[kMostStages], pass_done;
};

// The slice of K with which this block begins.
__device__ inline int first_slice_of_block(const WarpgroupRowsArgs& t) {
  return rank_in_cluster() * t.slices;
}

// The tiles of this block's cluster, and the slices of this block.
__device__ inline SlicedRows tiles_of_block(const RowProductArgs& a, const WarpgroupRowsArgs& t,
                                            int each) {
  const int64 all = a.N / kTileRows;
  const int cluster = blockIdx.x / t.cluster, clusters = gridDim.x / t.cluster;
  const int begin = static_cast<int>(all * cluster / clusters);
  const int end = static_cast<int>(all * (cluster + 1) / clusters);
  const int slices = (a.K + kSliceColumns - 1) / kSliceColumns;
  return {begin, end - begin, each, min(t.slices, slices - first_slice_of_block(t))};
}

// The row of W that row r of kTiles tiles in shared memory is: SwiGLU has all tiles' gates first.
template <int kTiles>
__device__ int row_of(const RowProductArgs& a, int tile, int r) {
  constexpr int kHalf = kTiles * kTileRows / 2;
  if (a.swiglu == 0) return tile * kTileRows + r;
  return tile * (kTileRows / 2) + (r < kHalf ? r : a.N / 2 + r - kHalf);
}

// What the copying thread does. A barrier of a stage hears of it twice, for W and for x.
template <int kBits, int kTiles, int kRows>
struct Copies {
  static constexpr int kPieces = kBits * kSliceColumns / 8 / kPiece;
  static constexpr int kPieceBytes = kTiles * kTileRows * kPiece;

  const RowProductArgs& a;
  const WarpgroupRowsArgs& t;
  const WarpgroupRowsMaps& maps;
  char* shared;
  Barriers& barriers;
  int first_slice = first_slice_of_block(t);

  __device__ void of_pass(int, int) const {}  // scales come by the threads that compute

  __device__ void of_weights(int stage, int tile, int slice) const {
    char* const to = shared + stage * t.stage_bytes;
    uint64* const barrier = barriers.full + stage;
    barrier_expect(barrier, kPieces * kPieceBytes);
#pragma unroll
    for (int i = 0; i < kPieces; ++i) {
      const int byte = ((first_slice + slice) * kPieces + i) * kPiece;
      char* const piece = to + i * kPieceBytes;
      if (a.swiglu != 0) {
        tensor_copy(piece, maps.W, byte, tile * (kTileRows / 2), barrier);
        tensor_copy(piece + kPieceBytes / 2, maps.W, byte, a.N / 2 + tile * (kTileRows / 2),
                    barrier);
      } else {
        tensor_copy(piece, maps.W, byte, tile * kTileRows, barrier);
      }
    }
  }

  __device__ void of_x(int stage, int slice) const {
    uint64* const barrier = barriers.full + stage;
    barrier_expect(barrier, kSliceColumns * kRows * 2);
    tensor_copy(shared + stage * t.stage_bytes + kPieces * kPieceBytes, maps.x, 0, 0,
                2 * (first_slice + slice), barrier);
  }
};

#endif
