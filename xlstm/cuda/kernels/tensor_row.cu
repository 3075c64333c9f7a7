// y = x W^T of one row of x by tensor cores, W quantised in any of MLX's formats, x and y bfloat16.
// For compute capability 9.0 and newer.
//
// W comes through a ring of shared memory as in row_stream.cu. A warp takes two rows of W together,
// 2048 columns at a time, a quad of spans of 512. A span is eight segments of 64 columns, and the
// 16 rows of a tensor core's first operand are the segments of one row of W and then those of the
// other; the columns of the second operand are segments of x. So each lane multiplies weights that
// lie side by side, in whatever order its x has. Of the results, which are those of all segments of
// W with all of x, one in eight is wanted, and to be multiplied with its group's scale: segments of
// x are turned by two from span to span, so that each lane has one that is wanted of each row.
//
// x is float16 there, times the power of two that brings its largest number to 2^14: what is below
// 2^-30 of that is rounded to 2^-39 of it. Weights are exact (packed_halves.cuh), and sums float32.
#include "xlstm/cuda/kernels/eight_row_stages.cuh"
#include "xlstm/cuda/kernels/packed_halves.cuh"

using xlstm::cuda::TensorRowArgs;

namespace {

constexpr int kThreads = 256;  // that compute; one more warp copies

#if __CUDA_ARCH__ >= 900

constexpr int kWarps = kThreads / kWarp;
constexpr int kEach = 8;  // columns that a thread norms together
constexpr int kSegment = 64, kSpan = 8 * kSegment, kSpans = 4, kQuad = kSpans * kSpan;
// Of the warps: with other quads, and with other rows of a stage.
constexpr int kParts = 2, kPairs = kWarps / kParts;
constexpr int kSums = kParts * 4;  // of a row, to be added up
constexpr int kFlush = 12;         // stages whose sums are kept

__device__ void multiply(float (&d)[4], uint32 a0, uint32 a1, uint32 a2, uint32 a3, uint32 b0,
                         uint32 b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

// The power of two that brings a number with these bits (without its sign) to [2^14, 2^15), or near
// it where that would be no normal float, and the inverse.
struct Range {
  float up, down;

  __device__ Range(uint32 bits) {
    const uint32 exponent = min(max(bits >> 23, 15U), 254U);
    up = __uint_as_float((268 - exponent) << 23);
    down = __uint_as_float((exponent - 14) << 23);
  }
};

// `kApart`: a lane's two eights of a segment are 32 columns apart, so that each is of one group,
// however short. `kLong`: a warp has several quads, and reads x of each from shared memory.
template <int kFormat, typename Scale, bool kApart, bool kLong>
struct Products {
  static constexpr int kBits = kBitsOf<kFormat>;
  static constexpr int kGroups = kApart ? 2 : 1;  // of a segment
  static constexpr int kXChunks = kLong ? 6 : 2;  // eights that a thread norms

  const RowProductArgs& a;
  const QuantizedArgs& W;
  const TensorRowArgs& t;
  const Parts& parts;
  char* shared;
  int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  int g = lane / 4, q = lane % 4;  // the segment, and which of its columns
  int part = warp % kParts, pair = warp / kParts;
  int wanted = (q - g / 2) & 3;  // the span of which this lane has the wanted result
  int quads = (a.K + kQuad - 1) / kQuad;
  float whole;  // what sums of products are to be multiplied with

  // x of a quad, as this lane multiplies it, and of its wanted segments: the sums of x in the unit
  // of products, and where their scales lie in a row's.
  struct Operand {
    uint4 x[kSpans][2];
    float sums[kGroups];
    int scales[kGroups];
  };
  __device__ uint4* operands() const { return reinterpret_cast<uint4*>(shared + t.x_at); }
  __device__ float* operand_sums() const {
    return reinterpret_cast<float*>(operands() + quads * kSpans * 2 * kWarp);
  }

  // x as it is, for W2.
  __device__ bf16* plain_x() const {
    return reinterpret_cast<bf16*>(operand_sums() + quads * kGroups * kWarp);
  }

  // Eight neighbours of x from `column` on go where they are needed. By whole warps.
  __device__ void put(int column, float (&v)[kEach], float up) const {
    const int quad = column / kQuad, span = column / kSpan % kSpans;
    const int segment = column / kSegment % 8, eight = column / kEach % 8;
    const int e = kApart ? eight / 4 : eight % 2, of_lane = kApart ? eight % 4 : eight / 2;
    if (a.N2 > 0 && column < a.K) write_eight(v, plain_x() + column);
    float sum = 0;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      v[i] *= up;
      sum += v[i];
    }
    uint32 x[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int one = first_of_pair<kFormat>(i), other = one + kBesideInPair<kFormat>;
      const float placed = 1.0F / (1 << place_of_pair<kFormat>(i));
      x[i] = pack_f16(v[one] * placed, v[other] * placed);
    }
    sum += __shfl_xor_sync(~0U, sum, 1);
    sum += __shfl_xor_sync(~0U, sum, 2);
    if (!kApart) sum += __shfl_xor_sync(~0U, sum, 4);
    if (quad >= quads) return;
    const int turned = (segment + 2 * span) % 8;
    operands()[((quad * kSpans + span) * 2 + e) * kWarp + turned * 4 + of_lane] =
        make_uint4(x[0], x[1], x[2], x[3]);
    if (eight % (8 / kGroups) != 0) return;
    operand_sums()[(quad * kGroups + eight * kGroups / 8) * kWarp + segment * 4 + turned / 2] =
        sum / kWhole<kFormat>;
  }

  __device__ void take(int quad, Operand& to) const {
    const uint4* const from = operands() + quad * kSpans * 2 * kWarp + lane;
#pragma unroll
    for (int span = 0; span < kSpans; ++span) {
#pragma unroll
      for (int e = 0; e < 2; ++e) to.x[span][e] = from[(span * 2 + e) * kWarp];
    }
#pragma unroll
    for (int i = 0; i < kGroups; ++i) {
      to.sums[i] = operand_sums()[(quad * kGroups + i) * kWarp + lane];
      const int column = quad * kQuad + wanted * kSpan + g * kSegment + 32 * i;
      const int group = min(column, a.K - 1) >> t.group_shift;
      to.scales[i] = group * ScaleAt<Scale>::bytes(t.scale_bytes);
    }
  }

  // Where this lane's weights of a span lie in a row; past its end others, which meet zeros.
  template <bool kRagged>
  __device__ int place_of(int quad, int span, int e) const {
    constexpr int kOwn = (kApart ? 1 : 2) * kBits;  // bytes of them
    int at = quad * (kQuad / 8 * kBits) + g * (kSegment / 8 * kBits) + q * kOwn +
             span * (kSpan / 8 * kBits) + e * (32 / 8 * kBits);
    if (kRagged) at = min(at, a.K / 8 * kBits - kOwn);
    return at;
  }

  template <bool kRagged>
  __device__ void load(const char* row, int quad, int span, uint32 (&w)[2][4]) const {
    uint2 low, high;
    const char* const at = row + place_of<kRagged>(quad, span, 0);
    if constexpr (kApart) {
      low = load_eight<kFormat>(at);
      high = load_eight<kFormat>(row + place_of<kRagged>(quad, span, 1));
    } else {
      load_sixteen<kFormat>(at, low, high);
    }
    unpack_halves<kFormat>(low, w[0]);
    unpack_halves<kFormat>(high, w[1]);
  }

  // The wanted one of a row's results: `second` 0 or 2.
  __device__ float wanted_of(const float (&d)[kSpans][4], int second) const {
    const bool odd = g % 2 != 0;
    float of[kSpans];
#pragma unroll
    for (int span = 0; span < kSpans; ++span)
      of[span] = odd ? d[span][second + 1] : d[span][second];
    const float low = wanted % 2 != 0 ? of[1] : of[0], high = wanted % 2 != 0 ? of[3] : of[2];
    return wanted / 2 != 0 ? high : low;
  }

  __device__ float scaled(const char* scale, float d, float x_sum) const {
    const float scaled = ScaleAt<Scale>::read(scale, t.scale_bytes) * d;
    if (kFormat == kMxfp4) return scaled;
    return scaled + ScaleAt<Scale>::read(scale + parts.scales, t.scale_bytes) * x_sum;
  }

  // Two rows of W, `second` bytes apart, and their scales.
  struct Rows {
    const char *words, *scales;
    int second, second_scales;
  };

  // Adds to both rows' sums what a quad gives.
  template <bool kRagged>
  __device__ void add(const Rows& rows, int quad, const Operand& x, float& sum, float& sum8) const {
    float d[kGroups][kSpans][4] = {};
#pragma unroll
    for (int span = 0; span < kSpans; ++span) {
      uint32 w[2][4], w8[2][4];
      load<kRagged>(rows.words, quad, span, w);
      load<kRagged>(rows.words + rows.second, quad, span, w8);
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        float(&to)[4] = d[e % kGroups][span];
        const uint4& b = x.x[span][e];
        multiply(to, w[e][0], w8[e][0], w[e][1], w8[e][1], b.x, b.y);
        multiply(to, w[e][2], w8[e][2], w[e][3], w8[e][3], b.z, b.w);
      }
    }
#pragma unroll
    for (int i = 0; i < kGroups; ++i) {
      const char* const scale = rows.scales + x.scales[i];
      sum += scaled(scale, wanted_of(d[i], 0), x.sums[i]);
      sum8 += scaled(scale + rows.second_scales, wanted_of(d[i], 2), x.sums[i]);
    }
  }

  // Four lanes of the first half write the sums of the first row, four of the other those of the
  // second.
  __device__ void keep(float sum, float sum8, float* first, float* second) const {
    const bool upper = lane >= kWarp / 2;
    float own = upper ? sum8 : sum;
    own += __shfl_xor_sync(~0U, upper ? sum : sum8, 16);
    own += __shfl_xor_sync(~0U, own, 8);
    own += __shfl_xor_sync(~0U, own, 4);
    if (lane % 16 < 4) (upper ? second : first)[part * 4 + lane % 4] = own;
  }

  // Sums of a stage: [2 kRows][kSums].
  __device__ void add_stage(const char* from, const Operand& x, float* sums) const {
    const bool two = a.swiglu != 0;
    const int pairs = two ? kRows : kRows / 2;
    const bool ragged = a.K % kQuad != 0;
    Rows rows;
    rows.second = two ? parts.all : parts.words / 2;
    rows.second_scales = two ? parts.all : parts.scales / 2;
    for (int r = pair; r < pairs; r += kPairs) {
      rows.words = from + r * (parts.words / kRows);
      rows.scales = from + parts.words + r * (parts.scales / kRows);
      float sum = 0, sum8 = 0;
      if constexpr (kLong) {
        for (int quad = part; quad < quads; quad += kParts) {
          Operand each;
          take(quad, each);
          if (ragged && quad == quads - 1) {
            add<true>(rows, quad, each, sum, sum8);
          } else {
            add<false>(rows, quad, each, sum, sum8);
          }
        }
      } else if (part < quads) {
        if (ragged) {
          add<true>(rows, part, x, sum, sum8);
        } else {
          add<false>(rows, part, x, sum, sum8);
        }
      }
      float* const first = sums + r * kSums;
      keep(sum, sum8, first, first + pairs * kSums);
    }
  }

  // The same of a row of W2, by all warps.
  __device__ void add_second(const float* from, float* sums) const {
    float sum = 0;
    for (int at = threadIdx.x * kEach; at < a.K; at += kThreads * kEach) {
      float w[kEach], x[kEach];
      read_eight(from + at, w);
      read_eight(plain_x() + at, x);
#pragma unroll
      for (int i = 0; i < kEach; ++i) sum += w[i] * x[i];
    }
    static_assert(kWarps == kSums);
    sum = warp_sum(sum);
    if (lane == 0) sums[warp] = sum;
  }

  // Of `count` stages from unit `first` on; a thread's residual was read before.
  __device__ void write(const Units& units, int first, int count, const float* sums,
                        float residual) const {
    static_assert(kFlush * kRows <= kThreads);
    const int row = threadIdx.x % kRows, each = threadIdx.x / kRows, unit = first + each;
    if (each >= count) return;
    const int rows = a.swiglu != 0 ? 2 * kRows : kRows;
    const float* const own = sums + (each * rows + row) * kSums;
    const auto all = [](const float* from) {
      const float4 low = reinterpret_cast<const float4*>(from)[0];
      const float4 high = reinterpret_cast<const float4*>(from)[1];
      return low.x + low.y + low.z + low.w + (high.x + high.y + high.z + high.w);
    };
    if (unit < units.eights) {
      const float up = a.swiglu != 0 ? all(own + kRows * kSums) : 0.0F;
      write_row<bf16>(a, units, unit, row, all(own) * whole, up * whole, residual);
    } else if (row == 0) {
      write_row<bf16>(a, units, unit, row, all(own), 0, 0);
    }
  }

  __device__ float residual_ahead(const Units& units, int first) const {
    const int unit = first + threadIdx.x / kRows;
    if (threadIdx.x >= kFlush * kRows || unit >= units.end) return 0;
    return residual_of<bf16>(a, units, unit, threadIdx.x % kRows);
  }

  // x, normed, to where products read it.
  __device__ void prepare() {
    float normed[kXChunks][kEach];
    __shared__ float scratch[2 * kXChunks * kWarps];
    __shared__ uint32 largest[kWarps];
    read_x<bf16, kThreads>(a, normed, scratch);
    uint32 most = 0;
#pragma unroll
    for (int j = 0; j < kXChunks; ++j) {
#pragma unroll
      for (int i = 0; i < kEach; ++i) most = max(most, __float_as_uint(fabsf(normed[j][i])));
    }
    most = __reduce_max_sync(~0U, most);
    if (lane == 0) largest[warp] = most;
    sync_first<kThreads>();
#pragma unroll
    for (int i = 0; i < kWarps; ++i) most = max(most, largest[i]);
    const Range range(most);
    whole = range.down * kWhole<kFormat>;
#pragma unroll
    for (int j = 0; j < kXChunks; ++j) {
      put((j * kThreads + threadIdx.x) * kEach, normed[j], range.up);
    }
    sync_first<kThreads>();
  }

  __device__ void run(const Units& units, uint64* full, uint64* empty) {
    prepare();
    Operand x;
    if (!kLong && part < quads) take(part, x);
    float* const sums = reinterpret_cast<float*>(shared + t.sums_at);
    const int of_stage = (a.swiglu != 0 ? 2 : 1) * kRows * kSums;
    float residual = residual_ahead(units, units.begin);
    int stage = 0, round = 0, kept = 0;
    for (int unit = units.begin; unit < units.end; ++unit) {
      barrier_wait(full + stage, round & 1);
      const char* const from = shared + static_cast<int64>(stage) * t.ring.stage_bytes;
      if (unit < units.eights) {
        add_stage(from, x, sums + kept * of_stage);
      } else {
        add_second(reinterpret_cast<const float*>(from), sums + kept * of_stage);
      }
      __syncwarp();
      if (lane == 0) barrier_arrive(empty + stage);
      if (++stage == t.ring.stages) {
        stage = 0;
        ++round;
      }
      if (++kept == kFlush || unit == units.end - 1) {
        sync_first<kThreads>();
        write(units, unit + 1 - kept, kept, sums, residual);
        residual = residual_ahead(units, unit + 1);
        sync_first<kThreads>();
        kept = 0;
      }
    }
  }
};

template <int kFormat, typename Scale, bool kApart, bool kLong>
__device__ void tensor_row(const RowProductArgs& a, const QuantizedArgs& W,
                           const TensorRowArgs& t) {
  extern __shared__ uint4 memory[];
  __shared__ uint64 full[kMostStages], empty[kMostStages];
  char* const shared = reinterpret_cast<char*>(memory);
  make_ring_barriers(full, empty, t.ring.stages, kWarps);
  const Units units(a);
  const Parts parts(W, a.K, t.scale_bytes);
  if (threadIdx.x >= kThreads) {
    copy_stages(a, W, t.ring, parts, units, shared, full, empty);
  } else {
    Products<kFormat, Scale, kApart, kLong>{a, W, t, parts, shared}.run(units, full, empty);
  }
}

#else

template <int kFormat, typename Scale, bool kApart, bool kLong>
__device__ void tensor_row(const RowProductArgs&, const QuantizedArgs&, const TensorRowArgs&) {}

#endif

}  // namespace

extern "C" {
#define XLSTM_TENSOR_ROW(kFormat, Scale, kApart, kLong, name)                      \
  __global__ void __launch_bounds__(kThreads + kWarp, 1)                           \
      tensor_row_##name(RowProductArgs args, QuantizedArgs W, TensorRowArgs row) { \
    tensor_row<kFormat, Scale, kApart, kLong>(args, W, row);                       \
  }
#define XLSTM_TENSOR_ROWS(kFormat, Scale, kApart, name)         \
  XLSTM_TENSOR_ROW(kFormat, Scale, kApart, false, name##_short) \
  XLSTM_TENSOR_ROW(kFormat, Scale, kApart, true, name##_long)
XLSTM_TENSOR_ROWS(4, bf16, false, 4_bf16)
XLSTM_TENSOR_ROWS(4, float, false, 4_f32)
XLSTM_TENSOR_ROWS(4, AnyScale, true, 4_apart)
XLSTM_TENSOR_ROWS(8, bf16, false, 8_bf16)
XLSTM_TENSOR_ROWS(8, float, false, 8_f32)
XLSTM_TENSOR_ROWS(8, AnyScale, true, 8_apart)
XLSTM_TENSOR_ROWS(2, AnyScale, false, 2)
XLSTM_TENSOR_ROWS(2, AnyScale, true, 2_apart)
XLSTM_TENSOR_ROWS(3, AnyScale, true, 3_apart)
XLSTM_TENSOR_ROWS(5, AnyScale, true, 5_apart)
XLSTM_TENSOR_ROWS(6, AnyScale, true, 6_apart)
XLSTM_TENSOR_ROWS(kMxfp4, uint8, true, mxfp4)
}
