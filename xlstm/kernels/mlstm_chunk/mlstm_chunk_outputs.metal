// The outputs of the chunkwise form, from the states before each chunk: with u_t = exp(b_t + m0 -
// m_t), q' = q / sqrt(DHQK) and P_ts = (q'_t . k_s) exp(b_t - b_s + i_s - m_t) for s <= t
//
//   h_t = (u_t q'_t^T C_0 + sum_s P_ts v_s) / (max(|u_t q'_t . n_0 + sum_s P_ts|, exp(-m_t)) + eps)
//
// then, GATED, norm of the head and output gate as mlstm_step.metal has them. A threadgroup has 32
// tokens of a head and all its DHV columns, of which each SIMD group has BLOCKS * 8 in registers;
// keys come 32 at a time, up to the diagonal.
//
// Template: T of qkvo; NH, DHQK, DHV; CHUNK, a multiple of 32; SIMDGROUPS 1, 2, 4 or 8; BLOCKS, so
// that SIMDGROUPS * BLOCKS * 8 >= DHV; STAGE, rows of V or C_0 at a time: 8, 16 or 32; CAP,
// CELL_EPS, NORM_EPS: a float's bits; BIAS; GATED.
// Inputs: qkvo, gates as in mlstm_chunk_states.metal; weight, bias [NH * DHV]; C_before, n_before,
// m_before; sizes int32: S, chunks.
// Output: y [B * S, NH * DHV].
// Grid: tiles of 32 tokens x B * NH threadgroups of 32 * SIMDGROUPS threads.
// Threadgroup memory: 4 * (1152 + max(2112, max(STAGE, 8) * (SIMDGROUPS * BLOCKS * 8 + 4)) + 3 *
// CHUNK + 64) bytes.
#include "xlstm/kernels/head_norm/norm_parts.metal"
#include "xlstm/kernels/mlstm_chunk/mlstm_chunk.metal"

namespace xlstm {

constant constexpr int kRows = 32, kKeys = 32;  // tokens of a tile, and keys at a time
constant constexpr int kRowBlocks = kRows / 8;
constant constexpr int kWidths = 32;               // of q and k at a time
constant constexpr int kPartStride = kWidths + 1;  // of their parts in threadgroup memory
constant constexpr int kWeightStride = kKeys + 4;

// sums += weights [32, ROWS] values [ROWS, ...], of this SIMD group's columns.
template <int ROWS, int BLOCKS>
void add_product(thread Block (&sums)[kRowBlocks][BLOCKS], const threadgroup float* weights,
                 const threadgroup float* values, int stride) {
  for (int k = 0; k < ROWS; k += 8) {
    Block weight[kRowBlocks], value;
    XLSTM_UNROLL for (int rb = 0; rb < kRowBlocks; ++rb) {
      simdgroup_load(weight[rb], weights + rb * 8 * kWeightStride + k, kWeightStride);
    }
    XLSTM_UNROLL for (int cb = 0; cb < BLOCKS; ++cb) {
      simdgroup_load(value, values + k * stride + cb * 8, stride);
      XLSTM_UNROLL for (int rb = 0; rb < kRowBlocks; ++rb) {
        simdgroup_multiply_accumulate(sums[rb][cb], weight[rb], value, sums[rb][cb]);
      }
    }
  }
}

}  // namespace xlstm

kernel void mlstm_chunk_outputs() {
  constexpr int kQK = NH * DHQK, kV = NH * DHV, kWidth = 2 * kQK + (GATED ? 2 : 1) * kV;
  constexpr int kThreads = 32 * SIMDGROUPS, kOwn = BLOCKS * 8;  // columns of a SIMD group
  constexpr int kStride = SIMDGROUPS * kOwn + 4;
  constexpr int kStageFloats = (STAGE > 8 ? STAGE : 8) * kStride;
  constexpr int kPartFloats = 2 * xlstm::kRows * xlstm::kPartStride;
  constexpr int kShared = kStageFloats > kPartFloats ? kStageFloats : kPartFloats;
  constexpr int kScores = 16 / SIMDGROUPS;  // 8x8 blocks of q' k^T a SIMD group

  threadgroup float weights[xlstm::kRows * xlstm::kWeightStride];  // of tokens or of C_0's rows
  threadgroup float shared[kShared];
  threadgroup float b[CHUNK];
  threadgroup float input[CHUNK];
  threadgroup float max_so_far[CHUNK];
  threadgroup float dots[xlstm::kRows];      // of q' with n, for the denominators
  threadgroup float factors[xlstm::kRows];   // u / sqrt(DHQK)
  threadgroup float* const q_part = shared;  // [32, kPartStride]
  threadgroup float* const k_part = shared + xlstm::kRows * xlstm::kPartStride;  // transposed

  const int thread_at = int(thread_index_in_threadgroup);
  const int lane = int(thread_index_in_simdgroup), simdgroup = int(simdgroup_index_in_threadgroup);
  const int at = int(threadgroup_position_in_grid.y);  // of B * NH
  const int sequence = at / NH, head = at % NH;
  const int S = sizes[0], chunks = sizes[1];
  const int first = int(threadgroup_position_in_grid.x) * xlstm::kRows;
  const int chunk = first / CHUNK, begin = chunk * CHUNK, row0 = first - begin;
  const int tokens = metal::min(CHUNK, S - begin);  // of the chunk
  const size_t before = size_t(at) * chunks + chunk;
  const float m0 = m_before[before];
  const float scale = 1.0f / metal::precise::sqrt(float(DHQK));
  auto rows = qkvo + (size_t(sequence) * S + begin) * kWidth;  // of the chunk

  if (simdgroup == 0) {
    auto chunk_gates = gates + (size_t(sequence) * S + begin) * (2 * NH) + head;
    xlstm::scan_gates<CHUNK, NH>(chunk_gates, tokens, m0, as_type<float>(CAP), b, input, max_so_far,
                                 lane);
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);

  // Each SIMD group has some of the rows: its lanes are the keys, or the values of a row.
  for (int r = simdgroup; r < xlstm::kRows; r += SIMDGROUPS) {
    const int t = row0 + r;
    float share = 0.0f;
    if (t < tokens) {
      for (int d = lane; d < DHQK; d += 32) {
        share += float(rows[size_t(t) * kWidth + head * DHQK + d]) * n_before[before * DHQK + d];
      }
    }
    const float factor = scale * metal::precise::exp(b[t] + m0 - max_so_far[t]);
    const float dot = metal::simd_sum(share) * factor;
    if (lane == 0) {
      dots[r] = dot;
      factors[r] = factor;
    }
  }

  xlstm::Block sums[xlstm::kRowBlocks][BLOCKS];
  XLSTM_UNROLL for (int rb = 0; rb < xlstm::kRowBlocks; ++rb) {
    XLSTM_UNROLL for (int cb = 0; cb < BLOCKS; ++cb) sums[rb][cb] =
        make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
  }

  // What the state before the chunk gives: u q'^T C_0.
  for (int d0 = 0; d0 < DHQK; d0 += STAGE) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (int x = thread_at; x < xlstm::kRows * STAGE; x += kThreads) {
      const int r = x / STAGE, d = x % STAGE, t = row0 + r;
      float q = 0.0f;
      if (t < tokens && d0 + d < DHQK) {
        q = factors[r] * float(rows[size_t(t) * kWidth + head * DHQK + d0 + d]);
      }
      weights[r * xlstm::kWeightStride + d] = q;
    }
    for (int x = thread_at; x < STAGE * SIMDGROUPS * kOwn; x += kThreads) {
      const int d = x / (SIMDGROUPS * kOwn), j = x % (SIMDGROUPS * kOwn);
      const bool inside = d0 + d < DHQK && j < DHV;
      shared[d * kStride + j] = inside ? C_before[(before * DHQK + d0 + d) * DHV + j] : 0.0f;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    xlstm::add_product<STAGE, BLOCKS>(sums, weights, shared + simdgroup * kOwn, kStride);
  }

  // What the tokens of the chunk give: P V, the keys of a tile after those of the one before.
  for (int key0 = 0; key0 <= row0; key0 += xlstm::kKeys) {
    xlstm::Block scores[kScores];
    XLSTM_UNROLL for (int x = 0; x < kScores; ++x) scores[x] =
        make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
    for (int d0 = 0; d0 < DHQK; d0 += xlstm::kWidths) {
      threadgroup_barrier(mem_flags::mem_threadgroup);
      for (int x = thread_at; x < xlstm::kRows * xlstm::kWidths; x += kThreads) {
        const int r = x / xlstm::kWidths, d = x % xlstm::kWidths;
        const size_t from = head * DHQK + d0 + d;
        const bool is_width = d0 + d < DHQK;
        const bool has_q = is_width && row0 + r < tokens, has_k = is_width && key0 + r < tokens;
        q_part[r * xlstm::kPartStride + d] =
            has_q ? scale * float(rows[size_t(row0 + r) * kWidth + from]) : 0.0f;
        k_part[d * xlstm::kPartStride + r] =
            has_k ? float(rows[size_t(key0 + r) * kWidth + kQK + from]) : 0.0f;
      }
      threadgroup_barrier(mem_flags::mem_threadgroup);
      for (int d = 0; d < xlstm::kWidths; d += 8) {
        XLSTM_UNROLL for (int x = 0; x < kScores; ++x) {
          const int block = simdgroup * kScores + x, rb = block % 4, kb = block / 4;
          xlstm::Block q_block, k_block;
          simdgroup_load(q_block, q_part + rb * 8 * xlstm::kPartStride + d, xlstm::kPartStride);
          simdgroup_load(k_block, k_part + d * xlstm::kPartStride + kb * 8, xlstm::kPartStride);
          simdgroup_multiply_accumulate(scores[x], q_block, k_block, scores[x]);
        }
      }
    }
    XLSTM_UNROLL for (int x = 0; x < kScores; ++x) {
      const int block = simdgroup * kScores + x, rb = block % 4, kb = block / 4;
      simdgroup_store(scores[x], weights + rb * 8 * xlstm::kWeightStride + kb * 8,
                      xlstm::kWeightStride);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (int r = simdgroup; r < xlstm::kRows; r += SIMDGROUPS) {
      const int t = row0 + r, s = key0 + lane;
      float p = 0.0f;
      if (s <= t && t < tokens) {
        p = weights[r * xlstm::kWeightStride + lane] *
            metal::precise::exp(b[t] - max_so_far[t] + input[s]);
      }
      weights[r * xlstm::kWeightStride + lane] = p;
      const float share = metal::simd_sum(p);
      if (lane == 0) dots[r] += share;
    }
    for (int v0 = 0; v0 < xlstm::kKeys; v0 += STAGE) {
      threadgroup_barrier(mem_flags::mem_threadgroup);
      for (int x = thread_at; x < STAGE * SIMDGROUPS * kOwn; x += kThreads) {
        const int r = x / (SIMDGROUPS * kOwn), j = x % (SIMDGROUPS * kOwn), s = key0 + v0 + r;
        const bool inside = s < tokens && j < DHV;
        shared[r * kStride + j] =
            inside ? float(rows[size_t(s) * kWidth + 2 * kQK + head * DHV + j]) : 0.0f;
      }
      threadgroup_barrier(mem_flags::mem_threadgroup);
      xlstm::add_product<STAGE, BLOCKS>(sums, weights + v0, shared + simdgroup * kOwn, kStride);
    }
  }

  // Eight rows at a time go through threadgroup memory, where a SIMD group has whole rows.
  XLSTM_UNROLL for (int rb = 0; rb < xlstm::kRowBlocks; ++rb) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    XLSTM_UNROLL for (int cb = 0; cb < BLOCKS; ++cb) {
      simdgroup_store(sums[rb][cb], shared + simdgroup * kOwn + cb * 8, kStride);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (int r = simdgroup; r < 8; r += SIMDGROUPS) {
      const int t = row0 + rb * 8 + r;
      if (t >= tokens) continue;  // all lanes alike
      threadgroup float* const h = shared + r * kStride;
      const float denominator =
          metal::max(metal::abs(dots[rb * 8 + r]), metal::precise::exp(-max_so_far[t])) +
          as_type<float>(CELL_EPS);
      const size_t out = (size_t(sequence) * S + begin + t) * kV + head * DHV;
      if constexpr (!GATED) {
        for (int j = lane; j < DHV; j += 32) xlstm::store(h[j] / denominator, y + out + j);
      } else {
        float total = 0.0f, squares = 0.0f;
        for (int j = lane; j < DHV; j += 32) total += h[j] / denominator;
        const float mean = metal::simd_sum(total) / float(DHV);
        for (int j = lane; j < DHV; j += 32) {
          const float centred = h[j] / denominator - mean;
          squares += centred * centred;
        }
        const float factor =
            xlstm::norm_factor(metal::simd_sum(squares), DHV, as_type<float>(NORM_EPS));
        auto gate = rows + size_t(t) * kWidth + 2 * kQK + kV + head * DHV;
        for (int j = lane; j < DHV; j += 32) {
          float normed = (h[j] / denominator - mean) * factor * float(weight[head * DHV + j]);
          if constexpr (BIAS) normed += float(bias[head * DHV + j]);
          y[out + j] = static_cast<T>(xlstm::sigmoid(float(gate[j])) * normed);
        }
      }
    }
  }
}
