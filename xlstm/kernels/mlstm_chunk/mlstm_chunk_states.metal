// The states of the chunkwise form: before each chunk, and after the last token. A threadgroup of
// four SIMD groups has a tile of a head's C and goes through the chunks; each chunk adds
// (K weighted)^T V, 32 tokens at a time, to sums in registers.
//
// Template: T of qkvo; NH, DHQK, DHV; GATED: whether qkvo has the o-gate's columns; CHUNK, a
// multiple of 32; ROWS, COLUMNS of the tile, multiples of 16, at most 64; CAP: a float's bits.
// Inputs: qkvo [B * S, 2 * NH * DHQK + 2 * NH * DHV] (one NH * DHV less unless GATED); gates
// [B * S, 2 * NH] float32; C, n, m: the states before; sizes int32: S, chunks.
// Outputs, all float32: C_before [B, NH, chunks, DHQK, DHV], n_before [B, NH, chunks, DHQK],
// m_before [B, NH, chunks]; C_next, n_next, m_next.
// Grid: column tiles x row tiles x B * NH threadgroups of 128 threads.
// Threadgroup memory: 4 * (33 * ROWS + 32 * (COLUMNS + 4) + 4 * CHUNK) bytes, at most 19,200
// (chunks of 128).
#include "xlstm/kernels/mlstm_chunk/mlstm_chunk.metal"

namespace xlstm {

constant constexpr int kStatesThreads = 128;
constant constexpr int kTokens = 32;              // of a stage
constant constexpr int kKeyStride = kTokens + 1;  // keys lie by rows of C, without bank conflicts
constant constexpr int kValuePad = 4;

template <int RB, int CB>
void store_tile(thread Block (&sums)[RB][CB], threadgroup float* to, int stride) {
  XLSTM_UNROLL for (int rb = 0; rb < RB; ++rb) {
    XLSTM_UNROLL for (int cb = 0; cb < CB; ++cb) {
      simdgroup_store(sums[rb][cb], to + rb * 8 * stride + cb * 8, stride);
    }
  }
}

}  // namespace xlstm

kernel void mlstm_chunk_states() {
  constexpr int kQK = NH * DHQK, kV = NH * DHV, kWidth = 2 * kQK + (GATED ? 2 : 1) * kV;
  constexpr int kValueStride = COLUMNS + xlstm::kValuePad;
  constexpr int kRB = ROWS / 16, kCB = COLUMNS / 16;  // 8x8 blocks of a SIMD group, of 2 x 2

  // First the keys and values of a stage; by turns the whole tile, on its way from or to memory.
  threadgroup float shared[ROWS * xlstm::kKeyStride + xlstm::kTokens * kValueStride];
  threadgroup float b[CHUNK];
  threadgroup float input[CHUNK];
  threadgroup float max_so_far[CHUNK];
  threadgroup float weights[CHUNK];        // of each token's k in the state after the chunk
  threadgroup float* const keys = shared;  // [ROWS, kKeyStride]
  threadgroup float* const values = shared + ROWS * xlstm::kKeyStride;  // [32, kValueStride]

  const int thread_at = int(thread_index_in_threadgroup);
  const int lane = int(thread_index_in_simdgroup), simdgroup = int(simdgroup_index_in_threadgroup);
  const int column0 = int(threadgroup_position_in_grid.x) * COLUMNS;
  const int row0 = int(threadgroup_position_in_grid.y) * ROWS;
  const int at = int(threadgroup_position_in_grid.z);  // of B * NH
  const int sequence = at / NH, head = at % NH;
  const int S = sizes[0], chunks = sizes[1];
  const int first_row = (simdgroup / 2) * kRB * 8, first_column = (simdgroup % 2) * kCB * 8;
  const bool keeps_n = column0 == 0, keeps_m = column0 == 0 && row0 == 0;
  const int n_row = row0 + thread_at;
  const bool has_n = keeps_n && thread_at < ROWS && n_row < DHQK;

  xlstm::Block sums[kRB][kCB];
  for (int x = thread_at; x < ROWS * COLUMNS; x += xlstm::kStatesThreads) {
    const int r = row0 + x / COLUMNS, j = column0 + x % COLUMNS;
    const bool inside = r < DHQK && j < DHV;
    shared[x] = inside ? C[(size_t(at) * DHQK + r) * DHV + j] : 0.0f;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  XLSTM_UNROLL for (int rb = 0; rb < kRB; ++rb) {
    XLSTM_UNROLL for (int cb = 0; cb < kCB; ++cb) {
      simdgroup_load(sums[rb][cb], shared + (first_row + rb * 8) * COLUMNS + first_column + cb * 8,
                     COLUMNS);
    }
  }
  float n_sum = has_n ? n[size_t(at) * DHQK + n_row] : 0.0f;
  float m0 = m[at];

  for (int chunk = 0; chunk < chunks; ++chunk) {
    const int begin = chunk * CHUNK, tokens = metal::min(CHUNK, S - begin);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    xlstm::store_tile<kRB, kCB>(sums, shared + first_row * COLUMNS + first_column, COLUMNS);
    if (simdgroup == 0) {
      auto chunk_gates = gates + (size_t(sequence) * S + begin) * (2 * NH) + head;
      xlstm::scan_gates<CHUNK, NH>(chunk_gates, tokens, m0, as_type<float>(CAP), b, input,
                                   max_so_far, lane);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const size_t before = size_t(at) * chunks + chunk;
    for (int x = thread_at; x < ROWS * COLUMNS; x += xlstm::kStatesThreads) {
      const int r = row0 + x / COLUMNS, j = column0 + x % COLUMNS;
      if (r < DHQK && j < DHV) C_before[(before * DHQK + r) * DHV + j] = shared[x];
    }
    if (has_n) n_before[before * DHQK + n_row] = n_sum;
    if (keeps_m && thread_at == 0) m_before[before] = m0;

    const float b_end = b[CHUNK - 1], m_end = max_so_far[CHUNK - 1];
    const float keep = metal::precise::exp(b_end + m0 - m_end);
    XLSTM_UNROLL for (int rb = 0; rb < kRB; ++rb) {
      XLSTM_UNROLL for (int cb = 0; cb < kCB; ++cb) {
        for (int e = 0; e < 2; ++e) sums[rb][cb].thread_elements()[e] *= keep;
      }
    }
    n_sum *= keep;
    for (int t = thread_at; t < CHUNK; t += xlstm::kStatesThreads) {
      weights[t] = metal::precise::exp(b_end - m_end + input[t]);
    }

    for (int stage = 0; stage < tokens; stage += xlstm::kTokens) {
      threadgroup_barrier(mem_flags::mem_threadgroup);
      auto rows = qkvo + (size_t(sequence) * S + begin + stage) * kWidth;
      for (int x = thread_at; x < xlstm::kTokens * ROWS; x += xlstm::kStatesThreads) {
        const int t = x / ROWS, r = x % ROWS;
        float k = 0.0f;
        if (stage + t < tokens && row0 + r < DHQK) {
          k = weights[stage + t] * float(rows[size_t(t) * kWidth + kQK + head * DHQK + row0 + r]);
        }
        keys[r * xlstm::kKeyStride + t] = k;
      }
      for (int x = thread_at; x < xlstm::kTokens * COLUMNS; x += xlstm::kStatesThreads) {
        const int t = x / COLUMNS, j = x % COLUMNS;
        const bool inside = stage + t < tokens && column0 + j < DHV;
        values[t * kValueStride + j] =
            inside ? float(rows[size_t(t) * kWidth + 2 * kQK + head * DHV + column0 + j]) : 0.0f;
      }
      threadgroup_barrier(mem_flags::mem_threadgroup);
      for (int t = 0; t < xlstm::kTokens; t += 8) {
        xlstm::Block k_block, v_block[kCB];
        XLSTM_UNROLL for (int cb = 0; cb < kCB; ++cb) {
          simdgroup_load(v_block[cb], values + t * kValueStride + first_column + cb * 8,
                         kValueStride);
        }
        XLSTM_UNROLL for (int rb = 0; rb < kRB; ++rb) {
          simdgroup_load(k_block, keys + (first_row + rb * 8) * xlstm::kKeyStride + t,
                         xlstm::kKeyStride);
          XLSTM_UNROLL for (int cb = 0; cb < kCB; ++cb) {
            simdgroup_multiply_accumulate(sums[rb][cb], k_block, v_block[cb], sums[rb][cb]);
          }
        }
      }
      if (has_n) {
        for (int t = 0; t < xlstm::kTokens; ++t) n_sum += keys[thread_at * xlstm::kKeyStride + t];
      }
    }
    m0 = m_end;
  }

  threadgroup_barrier(mem_flags::mem_threadgroup);
  xlstm::store_tile<kRB, kCB>(sums, shared + first_row * COLUMNS + first_column, COLUMNS);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (int x = thread_at; x < ROWS * COLUMNS; x += xlstm::kStatesThreads) {
    const int r = row0 + x / COLUMNS, j = column0 + x % COLUMNS;
    if (r < DHQK && j < DHV) C_next[(size_t(at) * DHQK + r) * DHV + j] = shared[x];
  }
  if (has_n) n_next[size_t(at) * DHQK + n_row] = n_sum;
  if (keeps_m && thread_at == 0) m_next[at] = m0;
}
