// A step of the sLSTM cell on tiles: rows (sequences) x units of one head. Included once for each
// SIMD target.
#if defined(XLSTM_SLSTM_CELL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef XLSTM_SLSTM_CELL_INL
#undef XLSTM_SLSTM_CELL_INL
#else
#define XLSTM_SLSTM_CELL_INL
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "xlstm/kernels/slstm_scan/slstm_scan.h"
#include "xlstm/kernels/slstm_scan/slstm_share.h"
#include "xlstm/kernels/vector/functions-inl.h"
#include "xlstm/kernels/vector/unrolled-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

using UnitTag = hn::ScalableTag<float>;
using Units = hn::Vec<UnitTag>;
constexpr std::size_t kUnitLanes = HWY_LANES(float);

// Rows of a tile: its 4 accumulators each, beside 4 vectors of R and an element of y.
constexpr int kMostTileRows = kManyRegisters ? 6 : 3;

// The first `count`, if they are fewer than a vector's.
HWY_INLINE void store_units(Units v, float* p, std::size_t count) {
  const UnitTag d;
  if (count >= kUnitLanes) return hn::StoreU(v, d, p);
  HWY_ALIGN float rest[kUnitLanes];
  hn::Store(v, d, rest);
  std::copy_n(rest, count, p);
}

// One head's weights.
template <class Raw>
struct CellWeights {
  const Raw* R;  // [DH / kUnitLanes, DH, 4, kUnitLanes]
  std::size_t DH;

  // What goes to the vector of units that begins at `unit`, a multiple of kUnitLanes.
  const Raw* units(std::size_t unit) const { return R + unit * DH * 4; }
};

// The arrays of a row's memory at one token.
struct CellArrays {
  CellArrays(float* memory, std::size_t stride, std::size_t step)
      : before(memory + step % 2 * stride),
        y(memory + (step + 1) % 2 * stride),
        c(memory + 2 * stride),
        n(memory + 3 * stride),
        m(memory + 4 * stride),
        added(memory + 5 * stride),
        stride_(stride) {}

  const float* gate(std::size_t g) const { return added + g * stride_; }

  const float* before;  // y of the token before
  float *y, *c, *n, *m;
  float* added;  // to the gates' pre-activations

 private:
  std::size_t stride_;
};

// The formulas of slstm_scan.h, of a vector of units; `sums` [4, kUnitLanes] is what R adds to the
// pre-activations.
template <class Raw>
HWY_INLINE void update_units(const CellWeights<Raw>& w, const float* sums, const SlstmCellRow& row,
                             const CellArrays& state, std::size_t unit) {
  const UnitTag d;
  const auto raw = [&](std::size_t g) HWY_ATTR {
    return hn::Add(hn::Load(d, state.gate(g) + unit), hn::Load(d, sums + g * kUnitLanes));
  };
  const auto i = raw(0), f = raw(1), z = raw(2), o = raw(3);
  const auto n = hn::Load(d, state.n + unit);
  const auto is_fresh = hn::Eq(n, hn::Zero(d));
  const auto l = hn::Add(log_sigmoid(d, f), hn::Load(d, state.m + unit));
  const auto m = hn::IfThenElse(is_fresh, i, hn::Max(i, l));
  const auto input = exp_or_nan(d, hn::Sub(i, m));
  const auto forget = hn::IfThenZeroElse(is_fresh, exp_or_nan(d, hn::Sub(l, m)));
  const auto tanh = hn::IfThenElse(hn::Eq(z, z), hn::Tanh(d, z), z);
  const auto c = hn::MulAdd(forget, hn::Load(d, state.c + unit), hn::Mul(input, tanh));
  const auto n_next = hn::Max(hn::MulAdd(forget, n, input), hn::Set(d, 1.0F));
  const auto closed = hn::Add(hn::Set(d, 1.0F), exp_or_nan(d, hn::Neg(o)));
  const auto y = hn::Div(c, hn::Mul(n_next, closed));
  hn::Store(m, d, state.m + unit);
  hn::Store(c, d, state.c + unit);
  hn::Store(n_next, d, state.n + unit);
  hn::Store(y, d, state.y + unit);
  store_units(y, row.y + unit, w.DH - unit);
}

// MR rows x NV vectors of units from `unit` on. Each sum runs over d in its order, whatever the
// tile is.
template <class Raw, int MR, int NV>
HWY_INLINE void step_tile(const CellWeights<Raw>& w, const SlstmCellRow* rows, std::size_t step,
                          std::size_t unit) {
  const UnitTag d;
  const std::size_t stride = slstm_part_stride(w.DH);
  Units sum[MR][NV * 4];
  const Raw* R[NV];
  const float* y[MR];
  for (std::size_t v = 0; v < NV; ++v) R[v] = w.units(unit + v * kUnitLanes);
  unrolled<MR>([&](auto m) HWY_ATTR {
    y[m] = CellArrays(rows[m].memory, stride, step).before;
    unrolled<NV * 4>([&](auto g) HWY_ATTR { sum[m][g] = hn::Zero(d); });
  });
  for (std::size_t at = 0; at < w.DH; ++at) {
    unrolled<NV>([&](auto v) HWY_ATTR {
      unrolled<4>([&](auto g) HWY_ATTR {
        const Units weight = load_widened(d, R[v] + (at * 4 + g) * kUnitLanes);
        unrolled<MR>([&](auto m) HWY_ATTR {
          sum[m][v * 4 + g] = hn::MulAdd(hn::Set(d, y[m][at]), weight, sum[m][v * 4 + g]);
        });
      });
    });
  }
  HWY_ALIGN float sums[MR * NV * 4 * kUnitLanes];
  unrolled<MR>([&](auto m) HWY_ATTR {
    unrolled<NV * 4>(
        [&](auto g) HWY_ATTR { hn::Store(sum[m][g], d, sums + (m * NV * 4 + g) * kUnitLanes); });
  });
  for (std::size_t m = 0; m < MR; ++m) {
    const CellArrays state(rows[m].memory, stride, step);
    for (std::size_t v = 0; v < NV && unit + v * kUnitLanes < w.DH; ++v) {
      update_units(w, sums + (m * NV + v) * 4 * kUnitLanes, rows[m], state, unit + v * kUnitLanes);
    }
  }
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
