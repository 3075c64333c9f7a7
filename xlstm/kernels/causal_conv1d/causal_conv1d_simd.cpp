#include <cassert>

#include "xlstm/kernels/causal_conv1d/causal_conv1d.h"
#include "xlstm/kernels/causal_conv1d/conv_window.h"
#include "xlstm/kernels/simd/dispatch.h"
#include "xlstm/kernels/vector/rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/causal_conv1d/causal_conv1d_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "xlstm/kernels/vector/functions-inl.h"
#include "xlstm/kernels/vector/unrolled-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

// One token of `K` taps, known here or not.
template <class Taps>
HWY_INLINE void convolve_token(const CausalConvArgs& a, const CausalConvTensors& t,
                               const ConvRow& row, std::size_t at, const Taps& for_taps) {
  const auto* const bias = t.bias;
  float* const y = t.y + (row.first + at) * a.C;
  for_vectors(a.C, [&](auto load, auto store) HWY_ATTR {
    auto sum = load(bias);
    for_taps([&](std::size_t j) HWY_ATTR {
      sum = hn::MulAdd(load(t.W + j * a.C), load(conv_input(a, t, row, at, a.K - 1 - j)), sum);
    });
    store(sum, y);
  });
}

// Tokens [begin, end) of one row.
void convolve(const CausalConvArgs& a, const CausalConvTensors& t, const ConvRow& row,
              std::size_t begin, std::size_t end) {
  constexpr int kUsualTaps = 4;
  for (std::size_t at = begin; at < end; ++at) {
    if (a.K == kUsualTaps) {
      convolve_token(a, t, row, at, [](const auto& tap) HWY_ATTR { unrolled<kUsualTaps>(tap); });
    } else {
      convolve_token(a, t, row, at, [&a](const auto& tap) HWY_ATTR {
        for (std::size_t j = 0; j < a.K; ++j) tap(j);
      });
    }
  }
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {
HWY_EXPORT(convolve);
}  // namespace

void causal_conv1d(ThreadPool& pool, const CausalConvArgs& a, const CausalConvTensors& t) {
  assert(a.K > 0 && (a.B == 0 || t.rows != nullptr));
  const auto run = XLSTM_DISPATCH(convolve);
  std::size_t tokens = 0;
  for (std::size_t b = 0; b < a.B; ++b) tokens += t.rows[b].tokens;
  // Tokens of all rows, counted through.
  for_rows(pool, tokens, (a.K + 1) * a.C, [&](std::size_t begin, std::size_t end) {
    std::size_t before = 0;
    for (std::size_t b = 0; b < a.B && before < end; ++b) {
      const ConvRow& row = t.rows[b];
      const std::size_t from = std::max(begin, before), to = std::min(end, before + row.tokens);
      if (from < to) run(a, t, row, from - before, to - before);
      before += row.tokens;
    }
  });
  for (std::size_t b = 0; b < a.B; ++b) move_window(a, t, t.rows[b]);
}

}  // namespace xlstm::kernels
#endif
