// What ranks tell each other by writing into each other's memory, without a library in between: for
// sums of few rows, where what NCCL takes to begin is most of the time. Each thread sends its piece
// of eight bytes to every other rank, in one store with the number of the call beside each half,
// and reads what the others sent to it until that number is there: no flags, no fences. A rank
// comes to a call only when all have sent for the one before, and so have read what the last but
// one brought: two inboxes in turns are enough. A grid's blocks wait for those of other cards, and
// may: they are at most 256 of 256 threads, which all run at the same time. Where another rank is
// gone, the host says so: from then on nothing is waited for, and nothing sent, since those that
// still wait would take it for numbers.
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/common.cuh"

using xlstm::cuda::PeerArgs;

namespace {

__device__ uint4* inbox(const PeerArgs& a, int of, int from, uint32 call) {
  const int64 at = (static_cast<int64>(call % 2) * a.ranks + from) * a.most_pieces;
  return static_cast<uint4*>(a.inboxes[of]) + at;
}

// That eight bytes of a volatile vector come together or not at all PTX does not promise: cards do
// it, NCCL's protocol for short messages relies on it, and Peers::connect() tries it.
__device__ void send(uint4* to, uint2 piece, uint32 call) {
  asm volatile("st.volatile.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(to), "r"(piece.x),
               "r"(call), "r"(piece.y), "r"(call)
               : "memory");
}
__device__ bool has_come(const uint4* from, uint32 call, uint2& piece) {
  uint32 first, second;
  asm volatile("ld.volatile.global.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(piece.x), "=r"(first), "=r"(piece.y), "=r"(second)
               : "l"(from)
               : "memory");
  return first == call && second == call;
}
__device__ int64 nanoseconds() {
  int64 now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  return now;
}

struct Call {
  uint32 number;
  bool given_up;
  int64 end;  // of the patience; 0: none
};

__device__ Call this_call(const PeerArgs& a) {
  const volatile unsigned int* const calls = a.calls;
  return {calls[0] + 1, calls[2] != 0, a.patience == 0 ? 0 : nanoseconds() + a.patience};
}

// What the host says is read over the bus: seldom, and by one kernel for all after it.
constexpr int kLooksForPiece = 4096;  // some milliseconds
__device__ bool gives_up(const PeerArgs& a) {
  if (*static_cast<const volatile unsigned int*>(a.given_up) == 0) return false;
  static_cast<volatile unsigned int*>(a.calls)[2] = 1;
  return true;
}

__device__ uint2 receive(const PeerArgs& a, const uint4* from, Call& call) {
  uint2 piece;
  for (int looks = 1; !call.given_up; ++looks) {
    if (has_come(from, call.number, piece)) return piece;
    if (call.end != 0 && nanoseconds() > call.end) break;
    if (looks % kLooksForPiece == 0) call.given_up = gives_up(a);
  }
  return make_uint2(~0U, ~0U);
}

__device__ void send_to_others(const PeerArgs& a, int at, uint2 piece, const Call& call) {
  if (call.given_up) return;
  for (int rank = 0; rank < a.ranks; ++rank) {
    if (rank != a.rank) send(inbox(a, rank, a.rank, call.number) + at, piece, call.number);
  }
}

// The last block counts the call: all have read the number of those before.
__device__ void count_call(const PeerArgs& a, const Call& call) {
  __syncthreads();
  if (threadIdx.x != 0 || atomicAdd(a.calls + 1, 1U) + 1 != gridDim.x) return;
  a.calls[1] = 0;
  a.calls[0] = call.number;
}

__device__ void add_to(float (&sum)[2], uint2 piece, float) {
  sum[0] += __uint_as_float(piece.x);
  sum[1] += __uint_as_float(piece.y);
}
__device__ void add_to(float (&sum)[4], uint2 piece, bf16) {
  sum[0] += bf16_low(piece.x);
  sum[1] += bf16_high(piece.x);
  sum[2] += bf16_low(piece.y);
  sum[3] += bf16_high(piece.y);
}
__device__ uint2 packed(const float (&sum)[2]) {
  return make_uint2(__float_as_uint(sum[0]), __float_as_uint(sum[1]));
}
__device__ uint2 packed(const float (&sum)[4]) {
  return make_uint2(pack_bf16(sum[0], sum[1]), pack_bf16(sum[2], sum[3]));
}

// y = the sum of all ranks' x, added in float32 in the order of ranks, so that all have the same
// bits. Grid: pieces / threads.
template <typename A>
__device__ void peer_sum(const PeerArgs& a) {
  wait_for_kernel_before();
  Call call = this_call(a);
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at < a.rows * a.width) {
    const uint2 own = static_cast<const uint2*>(a.x)[at];
    send_to_others(a, at, own, call);
    float sum[sizeof(uint2) / sizeof(A)] = {};
    for (int rank = 0; rank < a.ranks; ++rank) {
      const bool is_own = rank == a.rank;
      const uint4* const from = inbox(a, a.rank, rank, call.number) + at;
      add_to(sum, is_own ? own : receive(a, from, call), A{});
    }
    static_cast<uint2*>(a.y)[at] = packed(sum);
  }
  count_call(a, call);
}

// y = the columns of all ranks beside each other. Grid: the most pieces of a rank / threads.
__device__ void columns(const PeerArgs& a) {
  wait_for_kernel_before();
  Call call = this_call(a);
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  for (int step = 0; step < a.ranks; ++step) {
    const int rank = (a.rank + step) % a.ranks;  // the own first: others wait for it
    const int width = a.begin[rank + 1] - a.begin[rank];
    if (at >= a.rows * width) continue;
    uint2 piece;
    if (step == 0) {
      piece = static_cast<const uint2*>(a.x)[at];
      send_to_others(a, at, piece, call);
    } else {
      piece = receive(a, inbox(a, a.rank, rank, call.number) + at, call);
    }
    static_cast<uint2*>(a.y)[at / width * a.width + a.begin[rank] + at % width] = piece;
  }
  count_call(a, call);
}

}  // namespace

extern "C" {
__global__ void __launch_bounds__(256) peer_sum_f32(PeerArgs args) {
  peer_sum<float>(args);
}
__global__ void __launch_bounds__(256) peer_sum_bf16(PeerArgs args) {
  peer_sum<bf16>(args);
}
__global__ void __launch_bounds__(256) peer_columns(PeerArgs args) {
  columns(args);
}
}
