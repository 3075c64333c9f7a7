// What follows the logits. Rows of V float32 numbers.
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/common.cuh"

using xlstm::cuda::SampleArgs;

namespace {

constexpr int kThreads = 1024;
__device__ float infinity() {
  return __int_as_float(0x7F800000);
}

// Orders floats as unsigned numbers.
__device__ uint32 key_of(float x) {
  const uint32 bits = __float_as_uint(x == 0 ? 0.0F : x);
  return (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
}

// The largest (key, then lowest id) of all threads, in every thread.
__device__ uint64 block_largest(uint64 x, uint64* scratch) {
#pragma unroll
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) {
    const uint64 other = __shfl_xor_sync(~0U, x, lanes);
    x = other > x ? other : x;
  }
  __syncthreads();
  if (threadIdx.x % kWarp == 0) scratch[threadIdx.x / kWarp] = x;
  __syncthreads();
  for (int warp = 0; warp < kThreads / kWarp; ++warp) x = max(x, scratch[warp]);
  return x;
}

__device__ uint64 ranked(float x, int id) {
  return static_cast<uint64>(key_of(x)) << 32 | (0xFFFFFFFFU - static_cast<uint32>(id));
}
__device__ int id_of(uint64 rank) {
  return static_cast<int>(0xFFFFFFFFU - static_cast<uint32>(rank));
}

__device__ int row_argmax(const float* x, int V, uint64* scratch) {
  uint64 best = 0;
  for (int v = threadIdx.x; v < V; v += kThreads) {
    if (x[v] == x[v]) best = max(best, ranked(x[v], v));
  }
  best = block_largest(best, scratch);
  return best == 0 ? 0 : id_of(best);
}

__device__ double block_sum64(double x, double* scratch) {
#pragma unroll
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) x += __shfl_xor_sync(~0U, x, lanes);
  __syncthreads();
  if (threadIdx.x % kWarp == 0) scratch[threadIdx.x / kWarp] = x;
  __syncthreads();
  double sum = 0;
  for (int warp = 0; warp < kThreads / kWarp; ++warp) sum += scratch[warp];
  return sum;
}

// --- sampling: a set of tokens is "rank of at least `least`"
// --------------------------------------
struct Sampler {
  const SampleArgs& a;
  uint64* scratch;
  double* sums;

  __device__ bool is_in(int v, uint64 least) const {
    return a.work[v] != -infinity() && ranked(a.work[v], v) >= least;
  }
  __device__ double mass(uint64 least, float top) const {
    double sum = 0;
    for (int v = threadIdx.x; v < a.V; v += kThreads) {
      if (is_in(v, least)) sum += exp(static_cast<double>(a.work[v]) - top);
    }
    return block_sum64(sum, sums);
  }
  __device__ double count(uint64 least) const {
    double sum = 0;
    for (int v = threadIdx.x; v < a.V; v += kThreads) sum += is_in(v, least) ? 1 : 0;
    return block_sum64(sum, sums);
  }
  // The highest rank, of those from `least` on, at which `enough` of the set above it holds.
  template <typename Enough>
  __device__ uint64 highest(uint64 least, const Enough& enough) const {
    uint64 from = least, to = ~0ULL;  // enough(from), but not enough(to)
    while (to - from > 1) {
      const uint64 middle = from + (to - from) / 2;
      if (enough(middle)) {
        from = middle;
      } else {
        to = middle;
      }
    }
    return from;
  }
};

// Whether all logits that may be chosen are numbers or -inf, in every thread.
__device__ bool correct(const SampleArgs& a) {
  constexpr float kMost = 3.402823466e38F;
  bool wrong = false;
  for (int v = threadIdx.x; v < a.V; v += kThreads) {
    const float bias = a.bias != nullptr ? a.bias[v] : 0.0F;
    float logit = bias == -infinity() ? bias : a.logits[v];
    wrong = wrong || !(logit < infinity());
    if (bias != 0) logit = fminf(logit + bias, kMost);
    if (a.seen != nullptr && a.seen[v] > 0 && logit != -infinity()) {
      const double p = a.repetition;
      double corrected = logit > 0 ? logit / p : logit * p;
      corrected -= a.presence;
      corrected -= static_cast<double>(a.frequency) * a.seen[v];
      logit = static_cast<float>(
          fmin(fmax(corrected, -static_cast<double>(kMost)), static_cast<double>(kMost)));
    }
    a.work[v] = logit;
  }
  return __syncthreads_or(wrong ? 1 : 0) == 0;
}

// Random numbers by their index in the sequence of a seed (SplitMix64), in [0, 1).
__device__ double unit_interval(uint64 seed, uint64 index) {
  uint64 z = seed + (index + 1) * 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53;
}

// The first id at which the mass of the set, in order of ids, passes u of all of it.
__device__ int draw(const Sampler& s, uint64 least, double u) {
  const SampleArgs& a = s.a;
  const double wanted = u * s.mass(least, 0.0F);
  __shared__ double starts[kThreads + 1];
  __shared__ int chosen, last;
  const int each = (a.V + kThreads - 1) / kThreads;
  const int begin = min(static_cast<int>(threadIdx.x) * each, a.V), end = min(begin + each, a.V);
  double own = 0;
  int own_last = -1;
  for (int v = begin; v < end; ++v) {
    if (!s.is_in(v, least)) continue;
    own += exp(static_cast<double>(a.work[v]));
    own_last = v;
  }
  starts[threadIdx.x + 1] = own;
  if (threadIdx.x == 0) {
    starts[0] = 0;
    chosen = 0x7FFFFFFF;
    last = 0;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int t = 0; t < kThreads; ++t) starts[t + 1] += starts[t];
  }
  if (own_last >= 0) atomicMax(&last, own_last);
  __syncthreads();
  double sum = starts[threadIdx.x];
  for (int v = begin; v < end; ++v) {
    if (!s.is_in(v, least)) continue;
    sum += exp(static_cast<double>(a.work[v]));
    if (sum > wanted) {
      atomicMin(&chosen, v);
      break;
    }
  }
  __syncthreads();
  return chosen < a.V ? chosen : last;
}

}  // namespace

extern "C" {
__global__ void __launch_bounds__(kThreads) argmax(const float* x, int* ids, int V) {
  __shared__ uint64 scratch[kThreads / kWarp];
  const int id = row_argmax(x + static_cast<int64>(blockIdx.x) * V, V, scratch);
  if (threadIdx.x == 0) ids[blockIdx.x] = id;
}

// One block a row: the sum does not depend on the order of others.
__global__ void __launch_bounds__(kThreads) sum_rows(const float* x, float* sums, int V) {
  __shared__ double scratch[kThreads / kWarp];
  x += static_cast<int64>(blockIdx.x) * V;
  double own = 0;
  for (int v = threadIdx.x; v < V; v += kThreads) own += x[v];
  own = block_sum64(own, scratch);
  if (threadIdx.x == 0) sums[blockIdx.x] = static_cast<float>(own);
}

// -log softmax(x)[target]
__global__ void __launch_bounds__(kThreads)
    negative_log_likelihood(const float* x, const int* targets, float* y, int V) {
  __shared__ uint64 ranks[kThreads / kWarp];
  __shared__ double scratch[kThreads / kWarp];
  x += static_cast<int64>(blockIdx.x) * V;
  const float top = x[row_argmax(x, V, ranks)];
  double own = 0;
  for (int v = threadIdx.x; v < V; v += kThreads) own += exp(static_cast<double>(x[v]) - top);
  own = block_sum64(own, scratch);
  const int target = targets[blockIdx.x];
  if (threadIdx.x == 0) {
    y[blockIdx.x] = static_cast<float>(log(own) + top - x[min(max(target, 0), V - 1)]);
  }
}

__global__ void __launch_bounds__(kThreads) sample(SampleArgs a) {
  __shared__ uint64 scratch[kThreads / kWarp];
  __shared__ double sums[kThreads / kWarp];
  const Sampler s = {a, scratch, sums};
  const bool good = correct(a);
  const int best = row_argmax(a.work, a.V, scratch);
  int id = best;
  const float top = a.work[best];
  if (!good || top == -infinity()) {  // no token: the sampler stays as it was
    if (threadIdx.x == 0) *a.id = a.none;
    return;
  }
  if (a.temperature > 0) {
    const double u = unit_interval(a.seed, *a.drawn);
    __syncthreads();
    for (int v = threadIdx.x; v < a.V; v += kThreads) {
      a.work[v] = (a.work[v] - top) / a.temperature;
    }
    __syncthreads();
    uint64 least = 0;
    if (a.top_k > 0 && a.top_k < a.V && s.count(0) > a.top_k) {
      least = s.highest(least, [&](uint64 rank) { return s.count(rank) >= a.top_k; });
    }
    if (a.top_p < 1) {
      const double wanted = a.top_p * s.mass(least, 0.0F);
      least = s.highest(least, [&](uint64 rank) { return s.mass(rank, 0.0F) >= wanted; });
    }
    if (a.min_p > 0) {
      const float lowest = logf(a.min_p);  // the top is 0 now
      least = max(least, static_cast<uint64>(key_of(lowest)) << 32);
    }
    id = draw(s, least, u);
    if (threadIdx.x == 0) ++*a.drawn;
  }
  if (threadIdx.x == 0) {
    *a.id = id;
    if (a.seen != nullptr) ++a.seen[id];
  }
}

// One block.
__global__ void fill_ids(int* ids, int count, int id) {
  for (int at = threadIdx.x; at < count; at += blockDim.x) ids[at] = id;
}

__global__ void count_seen(const int* ids, unsigned int* seen, int count) {
  for (int at = threadIdx.x; at < count; at += blockDim.x) atomicAdd(seen + ids[at], 1U);
}
}
