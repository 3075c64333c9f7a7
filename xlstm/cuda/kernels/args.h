// Arguments of kernels, one text for host and device. Pointers are the device's.
#pragma once

namespace xlstm::cuda {

// y = x W^T of one to some rows, with what surrounds the product.
struct RowProductArgs {
  const void* x;             // [M, K]
  const void* W;             // [N, K]; SwiGLU: rows gate, up of N / 2 each
  void* y;                   // [M, N], SwiGLU: [M, N / 2]
  const float* bias;         // [N] or none
  const void* residual;      // added to y, or none
  const float* norm_weight;  // [K]: x is normed first; or none
  const float* norm_bias;    // [K] or none
  // x is the mLSTM's h, float32: a layer norm of each of NH heads by norm_weight comes first, then
  // times sigmoid(out_gate [K]). For one row; or none.
  const void* out_gate;
  int NH;
  // A second product of the same normed x, in float32; or none.
  const float* W2;     // [N2, K]
  const float* bias2;  // [N2] or none
  float* y2;           // [M, N2]
  int M, N, K, N2;
  float eps;
  int swiglu;   // whether y = SiLU(gate) * up
  int vectors;  // whether rows of W begin at 16 bytes and have a whole number of these
  int is_bf16;  // whether x, residual and y are bfloat16, where a kernel's name does not say it
};

// The ring of shared memory through which W comes.
struct StreamArgs {
  int stages, stage_bytes;
};

// A quantised W [N, K] in MLX's layout (base/quantization.h).
struct QuantizedArgs {
  const unsigned int* words;  // [N, K * bits / 32]
  const void* scales;         // [N, K / group]
  const void* biases;         // as scales, or none for mxfp4
  int bits, group;
  int scale_type;  // 0 float32, 1 bfloat16, 2 float16, 3 mxfp4's exponents
};

// Of tensor_row.cu. Bytes: where sums and x lie in shared memory, and how long a scale is.
struct TensorRowArgs {
  StreamArgs ring;
  int sums_at, x_at, scale_bytes;
  int group_shift;  // columns of a group are 1 << group_shift
};

// A matrix of bytes as the copies of tensors know it: CUtensorMap.
struct alignas(64) TensorMap {
  unsigned long long opaque[16];
};
struct TensorRowsMaps {
  TensorMap W, x, scales, biases;
};

// How tensor_rows.cu goes along K, and where it keeps what in shared memory. Bytes, but for `slice`
// and `units`.
struct TensorRowsArgs {
  int slice;                // columns of a stage
  int units;                // of 16 rows of W, at most, at a time
  int stages, stage_bytes;  // of the ring, at 0
  // In a piece of 128 bytes of all units' rows: from unit to unit, and to the second eight rows.
  int unit_bytes, second_rows;
  int x_at, x_piece;  // of x in a stage; from 64 columns of all its rows to the next
  int x_together;     // whether a slice of x is copied at once
  // Scales, then biases, of all columns of `units` units: from set to set, and from unit to unit.
  int table_at, table_sets, table_set, table_unit, table_row;
  int table_is_swizzled;  // in pieces as W, or as it lies in memory
  const void* scales;     // for these
  const void* biases;
  int parts_at;     // sums of warps
  int group_shift;  // columns of a group are 1 << group_shift
  int scale_bytes;  // of one scale
};

// Of warpgroup_rows.cu. Bytes, but for `slices`, `groups` and `stages`.
struct WarpgroupRowsArgs {
  int cluster;              // blocks that have the same rows of W, each a part of its columns
  int slices;               // of 128 columns, of a block
  int stages, stage_bytes;  // of the ring, at 0
  int table_at;  // scales and biases of `groups` groups, as many as a block's columns have
  int groups, group_shift;  // columns of a group are 1 << group_shift
  int wide_groups;          // whether eight groups of a row may be read at once
  const void* scales;       // [N, K / group] bfloat16
  const void* biases;
};
struct WarpgroupRowsMaps {
  TensorMap W, x;
};

// x with its columns in the order of column_order.cuh.
struct ColumnOrderArgs {
  const void* x;  // [M, K] bfloat16
  void* y;        // [M, padded], zeros behind K
  int M, K, padded;
};

// The norm of M rows with a small product of the normed ones, in float32.
struct RowNormArgs {
  const void* x;        // [M, K]
  const float* weight;  // [K]
  const float* bias;    // [K] or none
  void* y;              // [M, K]
  const float* W2;      // [N2, K] or none
  const float* bias2;   // [N2] or none
  float* y2;            // [M, N2]
  int K, N2;
  float eps;
  int ordered_bits;  // y, bfloat16, has its columns in the order for such weights; 0: as x has them
};

// The mLSTM cell of B sequences with what surrounds it. Strides are in elements from token to
// token.
struct MlstmArgs {
  const void* q;             // [B * S, NH, DHQK]
  const void* k;             // [B * S, NH, DHQK]
  const void* v;             // [B * S, NH, DHV]
  const float* i;            // [B * S, NH] pre-activations
  const float* f;            // [B * S, NH]
  const void* out_gate;      // [B * S, NH, DHV]: y = sigmoid(out_gate) * norm(h); none: y is h
  const float* norm_weight;  // [NH * DHV]
  const float* norm_bias;    // [NH * DHV] or none
  float* h;                  // [B * S, NH, DHV] float32: the cell's result, before the norm
  void* y;                   // [B * S, NH, DHV]
  // Of each sequence: C [NH, DHQK, DHV], n [NH, DHQK], m [NH].
  float* const* C;
  float* const* n;
  float* const* m;
  int* arrived;  // [2, B, NH], 0 before and after
  int open;      // whether y is left to whoever reads h (RowProductArgs::out_gate); one token alone
  int B, S, NH, DHQK, DHV;
  int qkv_stride, gate_stride, out_gate_stride;
  float cell_eps, norm_eps, gate_cap;  // cap 0: none
};

// Of a chunk: the sum of its log-decays, and its largest column (below).
struct MlstmChunkSums {
  float decay, largest;
};

// Tokens [first, first + count) of each sequence through the cell in chunks (mlstm_chunk.cuh), and
// what its kernels leave for each other.
struct MlstmChunkArgs {
  MlstmArgs cell;  // y: with norm and gate; none: h alone
  int first, count;
  int chunk, chunks;  // tokens of one, a multiple of 64, and how many of them `count` are
  // [B, NH, count], of token t, with b_t the sum of its chunk's log-decays up to it:
  float* decay;    // b_t
  float* column;   // x_t = i_t - b_t
  float* largest;  // the maximum of its chunk's columns up to it
  float* later;    // i_t and the log-decays of the chunk's later tokens
  // [B, NH, chunks]
  float* m;  // before the chunk
  MlstmChunkSums* sums;
  float* n;  // [.., DHQK] before the chunk
  void* C;   // [.., DHQK, DHV] bfloat16, before the chunk: a factor of products
};

// The sLSTM cell of S tokens of B sequences.
struct SlstmArgs {
  const void* gates_if;  // [B * S, 2, NH, DH], what inputs add to i and f
  const void* gates_zo;  // the same of z and o
  int gates_are_bf16;
  const void* R;      // [NH, DH, DH, 4], from each unit to each unit's i, f, z, o
  const float* bias;  // [NH, 4, DH]
  float* y;           // [B * S, NH, DH]
  // Of each sequence, [NH, DH]:
  float* const* state_y;
  float* const* state_c;
  float* const* state_n;
  float* const* state_m;
  int B, S, NH, DH;
  int blocks;  // that share a head, a cluster
};

// y = W x of each of G groups; group g reads head g mod H of x.
struct HeadwiseArgs {
  const void* x;      // [T, H, I]
  const void* W;      // [G, O, I]
  const float* bias;  // [G, O] or none
  void* y;            // [T, G, O]
  int T, H, I, G, O;
};

// A depthwise convolution over the tokens of B sequences.
struct CausalConvArgs {
  const void* x;         // [B * S, C]
  const float* W;        // [C, K]
  const float* bias;     // [C] or none
  void* y;               // [B * S, C]
  float* const* window;  // of each sequence [K - 1, C], the inputs before
  int B, S, C, K;
  int tokens;  // that a thread takes
};

// Attention at each of S tokens across R rows. Row r sees the rows order[begin[r], end[r]).
struct RowAttentionArgs {
  const void* qkv;  // [R, S, 3, NA, DA]
  void* y;          // [R, S, NA, DA]
  const int* order;
  const int* begin;
  const int* end;
  int R, S, NA, DA;
  int norms;  // whether each head of q and k is normed first, with norm_eps
  float norm_eps;
};

// What ranks tell each other through each other's memory (peers.cu), in pieces of eight bytes.
struct PeerArgs {
  static constexpr int kMostRanks = 16;

  const void* x;  // this rank's: peer_sum [rows * width], peer_columns [rows, its columns]
  void* y;        // peer_sum: as x, and may be x; peer_columns [rows, width]
  int rank, ranks;
  int rows, width;  // in pieces
  // Rank r has the columns [begin[r], begin[r + 1]), in pieces; of peer_columns alone.
  int begin[kMostRanks + 1];
  // On each rank's card: [2, ranks, most_pieces] of a piece with the call's number twice, in turns
  // from call to call.
  void* inboxes[kMostRanks];
  int most_pieces;
  // [3]: how many there were, blocks of this one that are done, and whether one gave up.
  unsigned int* calls;
  const unsigned int* given_up;  // [1] the host's; not 0: no piece comes any more, all are NaN
  long long patience;            // nanoseconds to wait for a piece, which then is NaN; 0: any time
};

// How a token is chosen (backend/sampling.h).
struct SampleArgs {
  const float* logits;        // [V]
  float* work;                // [V]
  const float* bias;          // [V] added to the logits, -inf: never; or none
  unsigned int* seen;         // [V] how often; or none
  int* id;                    // [1]
  unsigned long long* drawn;  // how many random numbers were used; none at temperature 0
  int none;                   // the id where no token can be chosen
  int V, top_k;
  float temperature, top_p, min_p, repetition, presence, frequency;
  unsigned long long seed;
};

}  // namespace xlstm::cuda
