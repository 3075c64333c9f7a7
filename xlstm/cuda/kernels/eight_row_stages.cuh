// How one row's products with quantised W go through a ring of shared memory: a stage has eight
// rows of W (SwiGLU: eight of gate, eight of up) with their scales and biases, or a row of W2.
#pragma once

#include "xlstm/cuda/kernels/row_stream.cuh"

using xlstm::cuda::QuantizedArgs;

constexpr int kRows = 8;  // of a stage

#if __CUDA_ARCH__ >= 900

// The stages of this block.
struct Units {
  int begin, end, eights;

  __device__ Units(const RowProductArgs& a) {
    eights = (a.swiglu != 0 ? a.N / 2 : a.N) / kRows;
    const uint32 all = eights + a.N2;
    begin = static_cast<int>(all * blockIdx.x / gridDim.x);
    end = static_cast<int>(all * (blockIdx.x + 1) / gridDim.x);
  }
};

// Where the parts of eight rows lie in a stage: words, scales, then biases where there are any.
struct Parts {
  uint32 words, scales, all;  // bytes

  __device__ Parts(const QuantizedArgs& W, int K, int scale_bytes)
      : words(kRows * K / 8 * W.bits),
        scales(kRows * (K / W.group) * scale_bytes),
        all(words + (W.biases != nullptr ? 2 : 1) * scales) {}
};

// One thread of a whole warp.
__device__ inline bool is_elected() {
  uint32 elected;
  asm volatile(
      "{\n"
      ".reg .pred one;\n"
      "elect.sync _|one, 0xFFFFFFFF;\n"
      "selp.u32 %0, 1, 0, one;\n"
      "}\n"
      : "=r"(elected));
  return elected != 0;
}

// What the copying warp does. Its instructions take their turn among those of all others, and a
// stage waits for them: so there are few.
__device__ inline void copy_stages(const RowProductArgs& a, const QuantizedArgs& W,
                                   const StreamArgs& s, const Parts& parts, const Units& units,
                                   char* ring, uint64* full, uint64* empty) {
  const bool two = a.swiglu != 0, biased = W.biases != nullptr;
  const uint32 bytes = (two ? 2 : 1) * parts.all;
  const char* words =
      reinterpret_cast<const char*>(W.words) + static_cast<int64>(units.begin) * parts.words;
  const char* scales =
      static_cast<const char*>(W.scales) + static_cast<int64>(units.begin) * parts.scales;
  const char* biases =
      static_cast<const char*>(W.biases) + static_cast<int64>(units.begin) * parts.scales;
  const int64 up_words = static_cast<int64>(units.eights) * parts.words;
  const int64 up_scales = static_cast<int64>(units.eights) * parts.scales;
  const bool elected = is_elected();
  char* to = ring;
  int stage = 0;
  uint32 parity = 1;
  for (int unit = units.begin; unit < units.end; ++unit) {
    barrier_wait(empty + stage, parity);  // at once in the first round
    uint64* const barrier = full + stage;
    if (elected) {
      end_before_copies();
      if (unit < units.eights) {
        barrier_expect(barrier, bytes);
        bulk_copy(to, words, parts.words, barrier);
        bulk_copy(to + parts.words, scales, parts.scales, barrier);
        if (biased) bulk_copy(to + parts.words + parts.scales, biases, parts.scales, barrier);
        if (two) {
          char* const up = to + parts.all;
          bulk_copy(up, words + up_words, parts.words, barrier);
          bulk_copy(up + parts.words, scales + up_scales, parts.scales, barrier);
          if (biased)
            bulk_copy(up + parts.words + parts.scales, biases + up_scales, parts.scales, barrier);
        }
      } else {
        barrier_expect(barrier, a.K * sizeof(float));
        bulk_copy(to, a.W2 + static_cast<int64>(unit - units.eights) * a.K, a.K * sizeof(float),
                  barrier);
      }
    }
    __syncwarp();
    words += parts.words, scales += parts.scales, biases += parts.scales;
    to += s.stage_bytes;
    if (++stage == s.stages) {
      stage = 0;
      to = ring;
      parity ^= 1;
    }
  }
}

// What is added to the result of row `row` of a unit.
template <typename A>
__device__ float residual_of(const RowProductArgs& a, const Units& units, int unit, int row) {
  if (a.residual == nullptr || unit >= units.eights) return 0;
  return to_float(static_cast<const A*>(a.residual)[unit * kRows + row]);
}

// What comes of row `row` of a unit, from the sum of its columns; SwiGLU: and of up's.
template <typename A>
__device__ void write_row(const RowProductArgs& a, const Units& units, int unit, int row,
                          float value, float up, float residual) {
  if (unit >= units.eights) {
    const int n = unit - units.eights;
    if (row == 0) a.y2[n] = value + (a.bias2 != nullptr ? a.bias2[n] : 0.0F);
    return;
  }
  const int n = unit * kRows + row;
  if (a.bias != nullptr) value += a.bias[n];
  if (a.swiglu != 0) {
    if (a.bias != nullptr) up += a.bias[a.N / 2 + n];
    value = value * sigmoid_of(value) * up;
  }
  static_cast<A*>(a.y)[n] = from_float<A>(value + residual);
}

#endif
