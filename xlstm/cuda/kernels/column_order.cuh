// The order in which warpgroup_rows.cu has the columns of x. A lane unpacks 32 columns of a row of
// W out of every 128, and multiplies four of them in each of eight steps of 16 columns; x's columns
// are put where these meet them.
#pragma once

#include "xlstm/cuda/kernels/packed_pairs.cuh"

constexpr int kSliceColumns = 128;

// Where a row has the eight columns of unit `unit` of a slice: four pairs, whose places are counted
// in pairs from the slice's first.
//
// 4 bits: lane q has the columns from 32 q on, a word of W at a time, which is two steps: pairs of
// numbers i and i + 4. 8 bits: those from 16 q on of either half of the slice, a word a step: pairs
// of numbers i and i + 2.
template <int kBits>
__device__ inline void ordered_pairs(const uint4& x, int unit, uint32 (&pairs)[4],
                                     int (&places)[4]) {
  int lane, step;
  if constexpr (kBits == 4) {
    lane = unit / 4, step = unit % 4 * 2;
    pairs[0] = low_halves(x.x, x.z), pairs[1] = high_halves(x.x, x.z);
    pairs[2] = low_halves(x.y, x.w), pairs[3] = high_halves(x.y, x.w);
  } else {
    lane = unit % 8 / 2, step = unit / 8 * 4 + unit % 2 * 2;
    pairs[0] = low_halves(x.x, x.y), pairs[1] = high_halves(x.x, x.y);
    pairs[2] = low_halves(x.z, x.w), pairs[3] = high_halves(x.z, x.w);
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) places[i] = (step + i / 2) * 8 + i % 2 * 4 + lane;
}

// Eight columns of a row, the unit-th.
template <int kBits>
__device__ inline void write_ordered(const uint4& x, int unit, uint32* row) {
  constexpr int kUnits = kSliceColumns / 8;
  uint32 pairs[4];
  int places[4];
  ordered_pairs<kBits>(x, unit % kUnits, pairs, places);
  uint32* const slice = row + unit / kUnits * (kSliceColumns / 2);
#pragma unroll
  for (int i = 0; i < 4; ++i) slice[places[i]] = pairs[i];
}
