// One pass over C: each element is read once, updated, written once and used for the output while
// it is in a register. Rows of C go one by one, memory from its beginning to its end: four at a
// time reach 30 to 37 GB/s, read and written, where one after the other reaches 50. Short rows, of
// small models, which lie in the cache, go in fours, so that the output's accumulators are loaded
// and stored once for four rows (a step of 0.8 us instead of 1.1).
//
// A sequence's matrices lie one behind the other, [NH, DHQK, DHV]; they are cut into blocks of
// kBlockRows rows, and each thread takes a range of neighbouring blocks: threads balance whatever
// the number of heads, and each reads one stretch of memory, or few. A block leaves its partial
// sums of the numerator in a row of its own; rows are added up in their order, so that the result
// does not depend on who made them.
#include <algorithm>
#include <cassert>
#include <cmath>

#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/mlstm_step/mlstm_step.h"
#include "xlstm/kernels/simd/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/mlstm_step/mlstm_step_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "xlstm/kernels/vector/functions-inl.h"

// Shared by all targets.
#ifndef XLSTM_MLSTM_STEP_BLOCKS
#define XLSTM_MLSTM_STEP_BLOCKS
namespace xlstm::kernels {
namespace {

constexpr std::size_t kBlockRows = 64;
constexpr std::size_t kShortRow = 128;  // floats, below which rows go in fours

inline std::size_t blocks_of(const MlstmStepArgs& a) {
  return ceil_div(a.DHQK, kBlockRows);
}

// What the blocks of all heads leave for each other.
struct StepScratch {
  float* key;           // [B * NH, DHQK]: Ia k
  float* query;         // [B * NH, DHQK]: q / sqrt(DHQK)
  float* decay;         // [B * NH]: Fa
  float* denominator;   // [B * NH]
  float* partial_sums;  // [B * NH, blocks, DHV] of the numerator

  static std::size_t floats(const MlstmStepArgs& a) {
    return a.B * a.NH * (2 * a.DHQK + 2 + blocks_of(a) * a.DHV);
  }
  StepScratch(const MlstmStepArgs& a, float* memory) {
    const std::size_t heads = a.B * a.NH;
    partial_sums = memory;  // first, as it is aligned
    key = partial_sums + heads * blocks_of(a) * a.DHV;
    query = key + heads * a.DHQK;
    decay = query + heads * a.DHQK;
    denominator = decay + heads;
  }
};

}  // namespace
}  // namespace xlstm::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

// `R` rows of one head: C' = Fa C + key v^T, and numerator += query . C', over columns [j, end).
template <int R, class D>
HWY_INLINE std::size_t update_columns(D d, std::size_t j, std::size_t end, std::size_t DHV,
                                      float Fa, const float* key /*[R]*/,
                                      const float* query /*[R]*/, const float* v, float* C,
                                      float* numerator) {
  const auto decay = hn::Set(d, Fa);
  for (; j + hn::Lanes(d) <= end; j += hn::Lanes(d)) {
    const auto value = hn::LoadU(d, v + j);
    auto sum = hn::LoadU(d, numerator + j);
    for (int r = 0; r < R; ++r) {
      const std::size_t at = static_cast<std::size_t>(r) * DHV + j;
      const auto added = hn::Mul(hn::Set(d, key[r]), value);
      const auto c = hn::MulAdd(decay, hn::LoadU(d, C + at), added);
      hn::StoreU(c, d, C + at);
      sum = hn::MulAdd(hn::Set(d, query[r]), c, sum);
    }
    hn::StoreU(sum, d, numerator + j);
  }
  return j;
}

template <int R>
HWY_INLINE void update_rows(std::size_t DHV, float Fa, const float* key, const float* query,
                            const float* v, float* C, float* numerator) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const std::size_t j = update_columns<R>(d, 0, DHV, DHV, Fa, key, query, v, C, numerator);
  update_columns<R>(one, j, DHV, DHV, Fa, key, query, v, C, numerator);
}

// Gates, n and denominator of one head, and its key and query as C's rows want them.
void prepare_head(const MlstmStepArgs& a, const MlstmStepTensors& t, const StepScratch& s,
                  std::size_t head) {
  const hn::ScalableTag<float> d;
  const auto row = static_cast<std::ptrdiff_t>(head / a.NH);
  const std::size_t within = head % a.NH;
  const std::size_t gate = static_cast<std::size_t>(row * stride_or(a.gate_stride, a.NH)) + within;
  const std::ptrdiff_t qk = row * stride_or(a.qkv_stride, a.NH * a.DHQK);
  const float* const q = t.q + qk + within * a.DHQK;
  const float* const k = t.k + qk + within * a.DHQK;
  const MlstmStatePointers& state = t.states[head / a.NH];
  float* const n = state.n + within * a.DHQK;
  float* const key = s.key + head * a.DHQK;
  float* const query = s.query + head * a.DHQK;

  const float i = t.i[gate], f = t.f[gate], before = state.m[within];
  const float lf = std::min(f, 0.0F) - std::log1p(std::exp(-std::abs(f)));
  const float m = std::max(lf + before, i);
  const float Fa = std::exp(lf + before - m);
  const auto decay = hn::Set(d, Fa);
  const auto input = hn::Set(d, std::exp(i - m));
  const auto scale = hn::Set(d, 1.0F / std::sqrt(static_cast<float>(a.DHQK)));
  auto dot = hn::Zero(d);  // q' . n'
  for_vectors(a.DHQK, [&](auto load, auto store) HWY_ATTR {
    const auto added = hn::Mul(input, load(k));
    const auto asked = hn::Mul(scale, load(q));
    const auto now = hn::MulAdd(decay, load(n), added);
    dot = hn::MulAdd(asked, now, dot);
    store(added, key);
    store(asked, query);
    store(now, n);
  });
  state.m[within] = m;
  s.decay[head] = Fa;
  s.denominator[head] =
      std::max(std::abs(hn::GetLane(hn::SumOfLanes(d, dot))), std::exp(-m)) + a.eps;
}

// One block of one head's C.
void step_block(const MlstmStepArgs& a, const MlstmStepTensors& t, const StepScratch& s,
                std::size_t head, std::size_t block) {
  const std::size_t DHV = a.DHV, first = block * kBlockRows;
  const std::size_t end = std::min(first + kBlockRows, a.DHQK);
  const auto row = static_cast<std::ptrdiff_t>(head / a.NH);
  const float* const v = t.v + row * stride_or(a.qkv_stride, a.NH * DHV) + head % a.NH * DHV;
  float* const C = t.states[head / a.NH].C + head % a.NH * a.DHQK * DHV;
  const float* const key = s.key + head * a.DHQK;
  const float* const query = s.query + head * a.DHQK;
  float* const partial_sums = s.partial_sums + (head * blocks_of(a) + block) * DHV;
  std::fill_n(partial_sums, DHV, 0.0F);
  std::size_t r = first;
  for (; DHV < kShortRow && r + 4 <= end; r += 4) {
    update_rows<4>(DHV, s.decay[head], key + r, query + r, v, C + r * DHV, partial_sums);
  }
  for (; r < end; ++r) {
    update_rows<1>(DHV, s.decay[head], key + r, query + r, v, C + r * DHV, partial_sums);
  }
}

// Blocks [begin, end) of all heads' blocks, counted through.
void step_blocks(const MlstmStepArgs& a, const MlstmStepTensors& t, const StepScratch& s,
                 std::size_t begin, std::size_t end) {
  const std::size_t blocks = blocks_of(a);
  for (std::size_t at = begin; at < end; ++at) step_block(a, t, s, at / blocks, at % blocks);
}

void prepare_heads(const MlstmStepArgs& a, const MlstmStepTensors& t, const StepScratch& s) {
  for (std::size_t head = 0; head < a.B * a.NH; ++head) prepare_head(a, t, s, head);
}

void finish_heads(const MlstmStepArgs& a, const MlstmStepTensors& t, const StepScratch& s) {
  const hn::ScalableTag<float> d;
  const std::size_t blocks = blocks_of(a);
  for (std::size_t head = 0; head < a.B * a.NH; ++head) {
    float* const h = t.h + head * a.DHV;
    const float* const partial_sums = s.partial_sums + head * blocks * a.DHV;
    const auto denominator = hn::Set(d, s.denominator[head]);
    for_vectors(a.DHV, [&](auto load, auto store) HWY_ATTR {
      auto sum = hn::Zero(d);
      for (std::size_t block = 0; block < blocks; ++block) {
        sum = hn::Add(sum, load(partial_sums + block * a.DHV));
      }
      store(hn::Div(sum, denominator), h);
    });
  }
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {

HWY_EXPORT(prepare_heads);
HWY_EXPORT(step_blocks);
HWY_EXPORT(finish_heads);

}  // namespace

void mlstm_step(ThreadPool& pool, const MlstmStepArgs& args, const MlstmStepTensors& t) {
  assert(args.B == 0 || (t.states != nullptr && t.h != nullptr));
  assert(args.B == 0 || (t.q != nullptr && t.k != nullptr && t.v != nullptr));
  assert(args.B == 0 || (t.i != nullptr && t.f != nullptr));
  assert(args.NH > 0 && args.DHQK > 0 && args.DHV > 0);
  // Below this many elements of C the hand-over to another thread costs more than it saves.
  constexpr std::size_t kWorthAThread = std::size_t{1} << 15;
  const std::size_t blocks = args.B * args.NH * blocks_of(args);
  const std::size_t elements = args.B * args.NH * args.DHQK * args.DHV;
  const std::size_t threads = std::min({blocks, pool.size(), elements / kWorthAThread});
  const ScratchLease memory = pool.scratch_floats(StepScratch::floats(args), "mlstm_step");
  const StepScratch scratch(args, memory.floats());

  XLSTM_DISPATCH(prepare_heads)(args, t, scratch);
  const auto run = XLSTM_DISPATCH(step_blocks);
  if (threads < 2) {
    run(args, t, scratch, 0, blocks);
  } else {
    // A task each, so that threads help one another to the end.
    const auto run_one = [&](std::size_t block) { run(args, t, scratch, block, block + 1); };
    pool.parallel_for(blocks, run_one, threads);
  }
  XLSTM_DISPATCH(finish_heads)(args, t, scratch);
}

}  // namespace xlstm::kernels
#endif
