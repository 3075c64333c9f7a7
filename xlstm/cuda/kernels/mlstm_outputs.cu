// The last of the kernels of mlstm_chunk.cuh: outputs, with the norm and the gate that follow.
#include "xlstm/cuda/kernels/mlstm_chunk.cuh"

namespace {

// --- outputs ---------------------------------------------------------------------------------
// A block has 64 tokens of one head, a warp kTiles tiles of eight of its DHV = 64 kTiles columns.
// Grid: (tiles of tokens, NH, B). Rows of C, and then of v, come through a ring of stages of 32;
// a key tile's scores are made just before its v is due.
template <int kTiles>
struct OutputTile {
  static constexpr int kRing = 32, kUnitsV = 8 * kTiles, kColumns = 64 * kTiles;
  static constexpr uint32 kStage = kRing * kColumns * 2;

  const MlstmChunkArgs& c;
  int head, b, s0, first_key;  // tokens: of this tile, and of its chunk
  int units_q;                 // of a row of q and k
  char *q, *k, *scores, *ring;
  float sum[4][kTiles][4];  // of rows 16 i + ..
  float dot[2] = {};        // of the scores, of rows of this warp

  __device__ explicit OutputTile(const MlstmChunkArgs& args)
      : c(args), head(blockIdx.y), b(blockIdx.z), s0(blockIdx.x * kTokens) {
    first_key = s0 / c.chunk * c.chunk;
    units_q = c.cell.DHQK / 8;
    q = block_memory();
    k = q + kTokens * c.cell.DHQK * 2;
    scores = k + kTokens * c.cell.DHQK * 2;
    ring = scores + kTokens * kTokens * 2;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
#pragma unroll
      for (int j = 0; j < kTiles; ++j) {
#pragma unroll
        for (int x = 0; x < 4; ++x) sum[i][j][x] = 0;
      }
    }
  }

  __device__ int64 chunk_place() const {
    return (static_cast<int64>(b) * c.cell.NH + head) * c.chunks + first_key / c.chunk;
  }
  __device__ char* stage(int step) const {
    return ring + step % kStages * kStage;
  }

  // 64 tokens of q or k.
  __device__ void fetch_keys(char* to, const void* rows, int first) const {
    const uint32 tile = shared_address(to);
    for (int at = threadIdx.x; at < kTokens * units_q; at += kThreads) {
      const int token = at / units_q, unit = at % units_q;
      const bool there = first + token < c.count;
      copy_unit(tile + unit_offset(token, unit, units_q),
                row_of(c, rows, b, there ? first + token : 0, head * c.cell.DHQK + unit * 8),
                there);
    }
  }
  // Rows [32 step, ..) of the state before the chunk.
  __device__ void fetch_state(int step) const {
    const bf16* const C =
        static_cast<const bf16*>(c.C) + (chunk_place() * c.cell.DHQK + step * kRing) * c.cell.DHV;
    const uint32 tile = shared_address(stage(step));
#pragma unroll
    for (int i = 0; i < kRing * kUnitsV / kThreads; ++i) {
      const int at = i * kThreads + threadIdx.x;
      copy_unit(tile + unit_offset(at / kUnitsV, at % kUnitsV, kUnitsV), C + at * 8, true);
    }
  }
  // Values of 32 tokens.
  __device__ void fetch_values(int step, int first) const {
    const uint32 tile = shared_address(stage(step));
    constexpr int kEach = kThreads / kUnitsV;  // tokens at a time
    const int unit = threadIdx.x % kUnitsV, token = threadIdx.x / kUnitsV;
    const bf16* const from = row_of(c, c.cell.v, b, 0, head * kColumns + unit * 8);
#pragma unroll
    for (int i = 0; i < kRing / kEach; ++i) {
      const int s = first + token + i * kEach;
      const bool there = s < c.count;
      copy_unit(tile + unit_offset(token + i * kEach, unit, kUnitsV),
                from + static_cast<int64>(there ? s : 0) * c.cell.qkv_stride, there);
    }
  }

  // sum += a b: 32 columns from `unit` on of a tile with rows of `units`, and a stage.
  __device__ void multiply(const char* a, int unit, int units, const char* stage) {
    const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
    const uint32 left = shared_address(a), right = shared_address(stage);
#pragma unroll 1
    for (int part = 0; part < kRing / 16; ++part) {
      uint32 x[4][4], y[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        load_matrices(x[i],
                      left + unit_offset(i * 16 + lane % 16, unit + 2 * part + lane / 16, units));
      }
#pragma unroll
      for (int j = 0; j < kTiles; j += 2) {
        // With one tile alone the second half is read and not used.
        const int second = kTiles > 1 ? lane / 16 : 0;
        load_transposed(
            y, right + unit_offset(part * 16 + lane % 16, warp * kTiles + j + second, kUnitsV));
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          multiply_add(sum[i][j], x[i], y[0], y[1]);
          if constexpr (kTiles > 1) multiply_add(sum[i][j + 1], x[i], y[2], y[3]);
        }
      }
    }
  }

  // Each row times factor[row].
  __device__ void scale_rows(const float* factor) {
    const int row = threadIdx.x % kWarp / 4;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float low = factor[i * 16 + row], high = factor[i * 16 + 8 + row];
#pragma unroll
      for (int j = 0; j < kTiles; ++j) {
        sum[i][j][0] *= low, sum[i][j][1] *= low;
        sum[i][j][2] *= high, sum[i][j][3] *= high;
      }
    }
  }

  // Scores of the 64 tokens from `key` on: (q . k) / sqrt(DHQK) * exp(x_s - M_t), 0 for s > t. A
  // warp has 16 rows and 32 keys of them.
  __device__ void make_scores(int key, const float* largest, float scale) {
    const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
    const int row = warp / 2 * 16 + lane / 4, column = warp % 2 * 32 + lane % 4 * 2;
    const float* const columns = c.column + first_of_head(c, b, head) + key;
    float exponent[4][2], score[4][4] = {};
#pragma unroll
    for (int j = 0; j < 4; ++j) {
#pragma unroll
      for (int x = 0; x < 2; ++x) {
        const int at = column + j * 8 + x;
        exponent[j][x] = key + at < c.count ? columns[at] : kLowest;
      }
    }
    const uint32 left = shared_address(q), right = shared_address(k);
    for (int unit = 0; unit < units_q; unit += 2) {
      uint32 x[4], y[4];
      load_matrices(x, left + unit_offset(warp / 2 * 16 + lane % 16, unit + lane / 16, units_q));
#pragma unroll
      for (int j = 0; j < 4; j += 2) {
        load_matrices(y, right + unit_offset(warp % 2 * 32 + j * 8 + lane % 8 + lane / 16 * 8,
                                             unit + lane / 8 % 2, units_q));
        multiply_add(score[j], x, y[0], y[1]);
        multiply_add(score[j + 1], x, y[2], y[3]);
      }
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int r = row + half * 8;
      float all = 0;
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        float value[2];
#pragma unroll
        for (int x = 0; x < 2; ++x) {
          const bool counts = key + column + j * 8 + x <= s0 + r;
          value[x] =
              counts ? score[j][2 * half + x] * scale * __expf(exponent[j][x] - largest[r]) : 0.0F;
          all += value[x];
        }
        *reinterpret_cast<uint32*>(scores + unit_offset(r, column / 8 + j, kTokens / 8) +
                                   column % 8 * 2) = pack_bf16(value[0], value[1]);
      }
      dot[half] += all;
    }
  }

  // q . n of the state before the chunk, of a row, in every lane.
  __device__ float multiply_n(int row) const {
    const float* const n = c.n + chunk_place() * c.cell.DHQK;
    float product = 0;
    for (int unit = threadIdx.x % kWarp; unit < units_q; unit += kWarp) {
      const uint4 x = *reinterpret_cast<const uint4*>(q + unit_offset(row, unit, units_q));
      const float4 low = __ldg(reinterpret_cast<const float4*>(n + unit * 8));
      const float4 high = __ldg(reinterpret_cast<const float4*>(n + unit * 8 + 4));
      product += bf16_low(x.x) * low.x + bf16_high(x.x) * low.y + bf16_low(x.y) * low.z +
                 bf16_high(x.y) * low.w;
      product += bf16_low(x.z) * high.x + bf16_high(x.z) * high.y + bf16_low(x.w) * high.z +
                 bf16_high(x.w) * high.w;
    }
    return warp_sum(product);
  }

  // h as it is summed, float32, in place of all tiles but q.
  static constexpr int kRowOfH = kColumns + 8;  // numbers; rows begin in different banks
  __device__ float* row_of_h(int row) const {
    return reinterpret_cast<float*>(q + kTokens * c.cell.DHQK * 2) + row * kRowOfH;
  }
  __device__ void keep_h() const {
    const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float* const h = row_of_h(i * 16 + half * 8 + lane / 4) + lane % 4 * 2;
#pragma unroll
        for (int j = 0; j < kTiles; ++j) {
          *reinterpret_cast<float2*>(h + (warp * kTiles + j) * 8) =
              make_float2(sum[i][j][2 * half], sum[i][j][2 * half + 1]);
        }
      }
    }
  }

  // Of a row as a warp writes it, a lane has units of eight numbers, 32 apart.
  static constexpr int kUnits = (kUnitsV + kWarp - 1) / kWarp;
  __device__ static int unit_of(int i) {
    return i * kWarp + threadIdx.x % kWarp;
  }
  __device__ int64 token_of(int row) const {
    return static_cast<int64>(b) * c.cell.S + c.first + s0 + row;
  }

  __device__ void read_gates(int row, uint4 (&gates)[kUnits]) const {
    const bf16* const from = static_cast<const bf16*>(c.cell.out_gate) +
                             token_of(row) * c.cell.out_gate_stride + head * kColumns;
#pragma unroll
    for (int i = 0; i < kUnits; ++i) {
      if (c.cell.y == nullptr || s0 + row >= c.count || unit_of(i) >= kUnitsV) continue;
      gates[i] = load_once(from + unit_of(i) * 8);
    }
  }

  // A row of h times `factor`: as it is, or normed and gated.
  __device__ void write_row(int row, float factor, const uint4 (&gates)[kUnits]) const {
    const int64 place = (token_of(row) * c.cell.NH + head) * kColumns;
    const float* const from = row_of_h(row);
    const bool there = s0 + row < c.count;
    float h[kUnits][8], sum_of_h = 0;
#pragma unroll
    for (int i = 0; i < kUnits; ++i) {
#pragma unroll
      for (int x = 0; x < 8; ++x) {
        h[i][x] = unit_of(i) < kUnitsV ? factor * from[unit_of(i) * 8 + x] : 0.0F;
        sum_of_h += h[i][x];
      }
      if (c.cell.y != nullptr || !there || unit_of(i) >= kUnitsV) continue;
      float4* const to = reinterpret_cast<float4*>(c.cell.h + place + unit_of(i) * 8);
      to[0] = make_float4(h[i][0], h[i][1], h[i][2], h[i][3]);
      to[1] = make_float4(h[i][4], h[i][5], h[i][6], h[i][7]);
    }
    if (c.cell.y == nullptr) return;
    const float mean = warp_sum(sum_of_h) / kColumns;
    float squares = 0;
#pragma unroll
    for (int i = 0; i < kUnits; ++i) {
      if (unit_of(i) >= kUnitsV) continue;
#pragma unroll
      for (int x = 0; x < 8; ++x) squares += (h[i][x] - mean) * (h[i][x] - mean);
    }
    const float r = rsqrtf(warp_sum(squares) / kColumns + c.cell.norm_eps);
    bf16* const y = static_cast<bf16*>(c.cell.y) + place;
#pragma unroll
    for (int i = 0; i < kUnits; ++i) {
      if (!there || unit_of(i) >= kUnitsV) continue;
      const int column = head * kColumns + unit_of(i) * 8;
      const auto pair = [&](uint32 gate, int x) {
        const float2 w = __ldg(reinterpret_cast<const float2*>(c.cell.norm_weight + column + x));
        float2 out = make_float2((h[i][x] - mean) * r * w.x, (h[i][x + 1] - mean) * r * w.y);
        if (c.cell.norm_bias != nullptr) {
          const float2 add = __ldg(reinterpret_cast<const float2*>(c.cell.norm_bias + column + x));
          out.x += add.x, out.y += add.y;
        }
        return pack_bf16(__fdividef(out.x, 1.0F + __expf(-bf16_low(gate))),
                         __fdividef(out.y, 1.0F + __expf(-bf16_high(gate))));
      };
      *reinterpret_cast<uint4*>(y + unit_of(i) * 8) = make_uint4(
          pair(gates[i].x, 0), pair(gates[i].y, 2), pair(gates[i].z, 4), pair(gates[i].w, 6));
    }
  }
};

template <int kTiles>
__device__ void chunk_outputs(const MlstmChunkArgs& c) {
  using Tile = OutputTile<kTiles>;
  // Of each token: m_t - b_t, the weight of the state before the chunk, exp(-m_t), sums of scores.
  __shared__ float largest[kTokens], past[kTokens], least[kTokens], dots[2][kTokens];
  Tile tile(c);
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const float scale = 1.0F / sqrtf(static_cast<float>(c.cell.DHQK));
  const int of_state = c.cell.DHQK / Tile::kRing;
  const int steps = of_state + 2 * ((tile.s0 - tile.first_key) / kTokens + 1);
  const auto fetch = [&](int step) {
    if (step < of_state) {
      tile.fetch_state(step);
    } else if (step < steps) {
      tile.fetch_values(step, tile.first_key + (step - of_state) * Tile::kRing);
    }
    end_group();
  };
  tile.fetch_keys(tile.q, c.cell.q, tile.s0);
  tile.fetch_keys(tile.k, c.cell.k, tile.first_key);
  for (int step = 0; step < kStages - 1; ++step) fetch(step);
  if (threadIdx.x < kTokens) {
    const bool there = tile.s0 + threadIdx.x < c.count;
    const int64 token = first_of_head(c, tile.b, tile.head) + tile.s0 + threadIdx.x;
    const float m = c.m[tile.chunk_place()];
    const float most = there ? fmaxf(m, c.largest[token]) : m;
    largest[threadIdx.x] = most;
    past[threadIdx.x] = scale * expf(m - most);
    least[threadIdx.x] = there ? expf(fminf(-(c.decay[token] + most), 88.0F)) : 1.0F;
  }

  for (int step = 0; step < of_state; ++step) {
    wait_for_groups<kStages - 2>();
    __syncthreads();
    fetch(step + kStages - 1);
    tile.multiply(tile.q, step * (Tile::kRing / 8), tile.units_q, tile.stage(step));
  }
  tile.scale_rows(past);
  for (int step = of_state; step < steps; ++step) {
    const int part = (step - of_state) % 2, key = tile.first_key + (step - part - of_state) * 32;
    if (part == 0) {
      if (key > tile.first_key) {  // nobody reads the last keys' scores, and these keys are there
        wait_for_groups<0>();
        __syncthreads();
      }
      tile.make_scores(key, largest, scale);
    }
    wait_for_groups<kStages - 2>();
    __syncthreads();
    if (part == 0 && key < tile.s0) tile.fetch_keys(tile.k, c.cell.k, key + kTokens);
    fetch(step + kStages - 1);
    tile.multiply(tile.scores, part * (Tile::kRing / 8), kTokens / 8, tile.stage(step));
  }

#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const float all = sum_of_row(tile.dot[half]);
    if (lane % 4 == 0) dots[warp % 2][warp / 2 * 16 + half * 8 + lane / 4] = all;
  }
  __syncthreads();  // nobody reads the tiles but q any more
  tile.keep_h();
  __syncthreads();
  constexpr int kTogether = 2;  // rows of a warp
#pragma unroll 1
  for (int first = warp * (kTokens / kWarps); first < (warp + 1) * (kTokens / kWarps);
       first += kTogether) {
    uint4 gates[kTogether][Tile::kUnits];
#pragma unroll
    for (int i = 0; i < kTogether; ++i) tile.read_gates(first + i, gates[i]);
#pragma unroll
    for (int i = 0; i < kTogether; ++i) {
      const int row = first + i;
      const float dot = past[row] * tile.multiply_n(row) + dots[0][row] + dots[1][row];
      tile.write_row(row, __fdividef(1.0F, fmaxf(fabsf(dot), least[row]) + c.cell.cell_eps),
                     gates[i]);
    }
  }
}

}  // namespace

extern "C" {
#define XLSTM_OUTPUTS(columns)                             \
  __global__ void __launch_bounds__(kThreads, 1)           \
      mlstm_chunk_outputs_##columns(MlstmChunkArgs args) { \
    chunk_outputs<columns / 64>(args);                     \
  }
XLSTM_OUTPUTS(64)
XLSTM_OUTPUTS(128)
XLSTM_OUTPUTS(256)
XLSTM_OUTPUTS(512)
}
