// The loop over time is inside: heads are independent, so that a thread goes through all tokens of
// some rows of one head by itself, with the head's R in its cache. A token's pre-activations are
// products [rows x DH] [DH x 4 DH], computed in tiles whose four gates meet in registers; each
// token's y lies where the next one reads it, in the output. Where there is only one token, units
// are independent too.
#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <numeric>

#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/simd/dispatch.h"
#include "xlstm/kernels/slstm_scan/slstm_scan.h"
#include "xlstm/kernels/slstm_scan/slstm_share.h"
#include "xlstm/kernels/vector/tile_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/slstm_scan/slstm_scan_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "xlstm/kernels/slstm_scan/slstm_cell-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

std::size_t tile_rows() {
  return kMostTileRows;
}

SlstmCellRow cell_row(const SlstmScanArgs& a, const SlstmScanTensors& t, const SlstmRow& row,
                      std::size_t head, std::size_t step) {
  const std::size_t D = a.NH * a.DH, at = head * a.DH, token = row.first + step;
  const float* const i = t.gates_if + token * 2 * D + at;
  const float* const z = t.gates_zo + token * 2 * D + at;
  return {step == 0 ? row.y + at : t.y + (token - 1) * D + at,
          {i, i + D, z, z + D},
          row.c + at,
          row.n + at,
          row.m + at,
          t.y + token * D + at};
}

// One token of `count` rows.
template <class Raw>
void step_rows(const CellWeights<Raw>& w, const SlstmCellRow* rows, std::size_t count,
               const SlstmShare& share) {
  const std::size_t end = std::min(share.block1 * kSlstmUnits, round_up(w.DH, kUnitLanes));
  std::size_t unit = share.block0 * kSlstmUnits;
  const std::size_t tiles = ceil_div(count, static_cast<std::size_t>(kMostTileRows));
  if (count == 1) {  // two vectors of units, as one has too few sums to keep the multipliers busy
    for (; unit + 2 * kUnitLanes <= end; unit += 2 * kUnitLanes)
      step_tile<Raw, 1, 2>(w, rows, unit);
  }
  for (; unit < end; unit += kUnitLanes) {
    for (std::size_t tile = 0; tile < tiles; ++tile) {
      const std::size_t begin = count * tile / tiles;
      with_tile_rows<1, kMostTileRows>(
          count * (tile + 1) / tiles - begin, [&](auto height) HWY_ATTR {
            step_tile<Raw, decltype(height)::value, 1>(w, rows + begin, unit);
          });
    }
  }
}

template <class Raw>
void scan_typed(const SlstmScanArgs& a, const SlstmScanTensors& t, const std::size_t* order,
                SlstmCellRow* cells, const SlstmShare& share) {
  const std::size_t head_size = slstm_blocks(a.DH) * a.DH * 4 * kSlstmUnits;
  const CellWeights<Raw> w{static_cast<const Raw*>(t.R) + share.head * head_size,
                           t.bias + share.head * 4 * a.DH, a.DH};
  const auto row_at = [&](std::size_t at) -> const SlstmRow& { return t.rows[order[at]]; };
  std::size_t active = share.row1;
  for (std::size_t step = 0;; ++step) {
    while (active > share.row0 && row_at(active - 1).tokens <= step) --active;
    if (active == share.row0) return;
    for (std::size_t at = share.row0; at < active; ++at) {
      cells[at - share.row0] = cell_row(a, t, row_at(at), share.head, step);
    }
    step_rows(w, cells, active - share.row0, share);
  }
}

// `order`: rows by falling numbers of tokens. `cells`: room for those of the share.
void scan_share(const SlstmScanArgs& a, const SlstmScanTensors& t, const std::size_t* order,
                SlstmCellRow* cells, const SlstmShare& share) {
  if (t.type == WeightType::kF32) return scan_typed<float>(a, t, order, cells, share);
  scan_typed<std::uint16_t>(a, t, order, cells, share);
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {

HWY_EXPORT(tile_rows);
HWY_EXPORT(scan_share);

// Tasks for each head: ranges of rows where there are several tokens, else ranges of blocks of
// units, so that R is read once.
struct Division {
  std::size_t row_ranges = 1, block_ranges = 1;
};

Division division_of(const SlstmScanArgs& a, std::size_t tokens, std::size_t threads) {
  if (threads == 1) return {};
  if (tokens == 1) {
    return {1, std::min(slstm_blocks(a.DH), ceil_div(4 * threads, a.NH))};
  }
  // The fewest that keep the busiest thread's tiles few: each range goes through all of R.
  const std::size_t tiles = ceil_div(a.B, XLSTM_DISPATCH(tile_rows)());
  Division best;
  std::size_t least = static_cast<std::size_t>(-1);
  for (std::size_t ranges = 1; ranges <= std::min(tiles, threads); ++ranges) {
    const std::size_t busiest = ceil_div(a.NH * ranges, threads) * ceil_div(tiles, ranges);
    if (busiest >= least) continue;
    least = busiest;
    best.row_ranges = ranges;
  }
  return best;
}

std::size_t threads_for(const SlstmScanArgs& a, std::size_t tokens, std::size_t all) {
  constexpr double kWorthAThread = 5e5;  // multiply-adds: some 10 microseconds
  const double most =
      static_cast<double>(tokens * a.NH * a.DH) * static_cast<double>(4 * a.DH) / kWorthAThread;
  return most >= static_cast<double>(all)
             ? all
             : std::max<std::size_t>(1, static_cast<std::size_t>(most));
}

// Rows by falling numbers of tokens.
void sort_rows(const SlstmScanArgs& a, const SlstmRow* rows, std::size_t* order) {
  std::iota(order, order + a.B, std::size_t{0});
  std::stable_sort(order, order + a.B, [rows](std::size_t one, std::size_t other) {
    return rows[one].tokens > rows[other].tokens;
  });
}

template <class Raw>
void pack_typed(const Raw* R, std::size_t NH, std::size_t DH, Raw* packed) {
  const std::size_t blocks = slstm_blocks(DH);
  for (std::size_t at = 0; at < NH * blocks * DH * 4; ++at) {
    const std::size_t gate = at % 4, d = at / 4 % DH, block = at / 4 / DH % blocks;
    const std::size_t head = at / 4 / DH / blocks, first = block * kSlstmUnits;
    const std::size_t count = std::min(kSlstmUnits, DH - first);
    const Raw* const from = R + ((head * DH + d) * 4 + gate) * DH + first;
    std::fill(std::copy_n(from, count, packed + at * kSlstmUnits), packed + (at + 1) * kSlstmUnits,
              Raw{});
  }
}

}  // namespace

void pack_slstm_R(const void* R, WeightType type, std::size_t NH, std::size_t DH, void* packed) {
  if (type == WeightType::kF32) {
    return pack_typed(static_cast<const float*>(R), NH, DH, static_cast<float*>(packed));
  }
  pack_typed(static_cast<const std::uint16_t*>(R), NH, DH, static_cast<std::uint16_t*>(packed));
}

void slstm_scan(ThreadPool& pool, const SlstmScanArgs& a, const SlstmScanTensors& t) {
  assert(a.NH > 0 && a.DH > 0 && t.type != WeightType::kF16);
  assert(a.B == 0 || (t.rows != nullptr && t.R != nullptr && t.bias != nullptr));
  if (a.B == 0) return;
  const ScratchLease order_memory = pool.scratch(a.B * sizeof(std::size_t), "slstm_scan");
  auto* const order = reinterpret_cast<std::size_t*>(order_memory.bytes());
  sort_rows(a, t.rows, order);
  std::size_t tokens = 0;
  for (std::size_t b = 0; b < a.B; ++b) tokens += t.rows[b].tokens;
  const std::size_t most = t.rows[order[0]].tokens;
  const std::size_t threads = threads_for(a, tokens, pool.size());
  const Division d = division_of(a, most, threads);
  const auto run = XLSTM_DISPATCH(scan_share);
  const std::size_t blocks = slstm_blocks(a.DH), each = d.row_ranges * d.block_ranges;
  pool.parallel_for(
      a.NH * each,
      [&](std::size_t task) {
        const std::size_t rows = task % each / d.block_ranges, part = task % d.block_ranges;
        const SlstmShare share{task / each, a.B * rows / d.row_ranges,
                               a.B * (rows + 1) / d.row_ranges, blocks * part / d.block_ranges,
                               blocks * (part + 1) / d.block_ranges};
        const ScratchLease cells =
            pool.scratch((share.row1 - share.row0) * sizeof(SlstmCellRow), "slstm_scan");
        run(a, t, order, reinterpret_cast<SlstmCellRow*>(cells.bytes()), share);
      },
      threads);
  const std::size_t D = a.NH * a.DH;
  for (std::size_t b = 0; b < a.B; ++b) {
    const SlstmRow& row = t.rows[b];
    if (row.tokens > 0) std::copy_n(t.y + (row.first + row.tokens - 1) * D, D, row.y);
  }
}

}  // namespace xlstm::kernels
#endif
