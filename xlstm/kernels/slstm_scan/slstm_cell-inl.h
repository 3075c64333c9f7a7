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

using UnitTag = hn::CappedTag<float, kSlstmUnits>;
using Units = hn::Vec<UnitTag>;
constexpr std::size_t kUnitLanes = HWY_MIN(HWY_LANES(float), kSlstmUnits);

// Rows of a tile: its 4 accumulators each, beside 4 vectors of R and an element of y.
constexpr int kMostTileRows = kManyRegisters ? 6 : 3;

// `count` floats, the others 0.
HWY_INLINE Units load_units(const float* p, std::size_t count) {
  const UnitTag d;
  if (count >= kUnitLanes) return hn::LoadU(d, p);
  HWY_ALIGN float rest[kUnitLanes] = {};
  std::copy_n(p, count, rest);
  return hn::Load(d, rest);
}

HWY_INLINE void store_units(Units v, float* p, std::size_t count) {
  const UnitTag d;
  if (count >= kUnitLanes) return hn::StoreU(v, d, p);
  HWY_ALIGN float rest[kUnitLanes];
  hn::Store(v, d, rest);
  std::copy_n(rest, count, p);
}

// The formulas of slstm_scan.h, of `count` units from `unit` on.
HWY_INLINE void update_units(const Units (&raw)[4], const SlstmCellRow& row, std::size_t unit,
                             std::size_t count) {
  const UnitTag d;
  const auto n = load_units(row.n + unit, count);
  const auto is_fresh = hn::Eq(n, hn::Zero(d));
  const auto l = hn::Add(log_sigmoid(d, raw[1]), load_units(row.m + unit, count));
  const auto m = hn::IfThenElse(is_fresh, raw[0], hn::Max(raw[0], l));
  const auto input = exp_or_nan(d, hn::Sub(raw[0], m));
  const auto forget = hn::IfThenZeroElse(is_fresh, exp_or_nan(d, hn::Sub(l, m)));
  const auto z = hn::IfThenElse(hn::Eq(raw[2], raw[2]), hn::Tanh(d, raw[2]), raw[2]);
  const auto c = hn::MulAdd(forget, load_units(row.c + unit, count), hn::Mul(input, z));
  const auto n_next = hn::Max(hn::MulAdd(forget, n, input), hn::Set(d, 1.0F));
  const auto closed = hn::Add(hn::Set(d, 1.0F), exp_or_nan(d, hn::Neg(raw[3])));
  store_units(m, row.m + unit, count);
  store_units(c, row.c + unit, count);
  store_units(n_next, row.n + unit, count);
  store_units(hn::Div(c, hn::Mul(n_next, closed)), row.y + unit, count);
}

// One head's weights.
template <class Raw>
struct CellWeights {
  const Raw* R;       // [blocks, DH, 4, kSlstmUnits]
  const float* bias;  // [4, DH]
  std::size_t DH;

  // Of unit 0's row of R, the vector of units that begins at `unit`, a multiple of kUnitLanes.
  const Raw* units(std::size_t unit) const {
    return R + unit / kSlstmUnits * DH * 4 * kSlstmUnits + unit % kSlstmUnits;
  }
};

// MR rows x NV vectors of units from `unit` on. Each sum runs over d in its order, whatever the
// tile is.
template <class Raw, int MR, int NV>
HWY_INLINE void step_tile(const CellWeights<Raw>& w, const SlstmCellRow* rows, std::size_t unit) {
  const UnitTag d;
  Units sum[MR][NV * 4];
  unrolled<MR>([&](auto m) HWY_ATTR {
    unrolled<NV * 4>([&](auto g) HWY_ATTR { sum[m][g] = hn::Zero(d); });
  });
  const Raw* R[NV];
  const float* y[MR];
  for (std::size_t v = 0; v < NV; ++v) R[v] = w.units(unit + v * kUnitLanes);
  for (std::size_t m = 0; m < MR; ++m) y[m] = rows[m].before;
  for (std::size_t at = 0; at < w.DH; ++at) {
    unrolled<NV>([&](auto v) HWY_ATTR {
      unrolled<4>([&](auto g) HWY_ATTR {
        const Units weight = load_widened(d, R[v] + (at * 4 + g) * kSlstmUnits);
        unrolled<MR>([&](auto m) HWY_ATTR {
          sum[m][v * 4 + g] = hn::MulAdd(hn::Set(d, y[m][at]), weight, sum[m][v * 4 + g]);
        });
      });
    });
  }
  unrolled<NV>([&](auto v) HWY_ATTR {
    const std::size_t first = unit + v * kUnitLanes;
    const std::size_t count = std::min(kUnitLanes, w.DH - std::min(w.DH, first));
    unrolled<MR>([&](auto m) HWY_ATTR {
      Units raw[4];
      unrolled<4>([&](auto g) HWY_ATTR {
        const auto bias = load_units(w.bias + g * w.DH + first, count);
        raw[g] =
            hn::Add(hn::Add(load_units(rows[m].Wx[g] + first, count), bias), sum[m][v * 4 + g]);
      });
      update_units(raw, rows[m], first, count);
    });
  });
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
