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
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "xlstm/kernels/slstm_scan/slstm_cell-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

std::size_t tile_rows() {
  return kMostTileRows;
}
std::size_t unit_lanes() {
  return kUnitLanes;
}

// Units [begin, end) of a head, which a task works on: from the caller's memory into a row's and
// back.
struct TaskUnits {
  std::size_t head, DH, begin, end;

  void take_state(const SlstmRow& row, float* memory) const {
    const std::size_t stride = slstm_part_stride(DH);
    std::fill_n(memory, kSlstmParts * stride, 0.0F);
    std::copy_n(row.y + head * DH, DH, memory);
    const CellArrays to(memory, stride, 0);
    std::copy(row.c + head * DH + begin, row.c + head * DH + end, to.c + begin);
    std::copy(row.n + head * DH + begin, row.n + head * DH + end, to.n + begin);
    std::copy(row.m + head * DH + begin, row.m + head * DH + end, to.m + begin);
  }

  void give_state_back(const SlstmRow& row, float* memory) const {
    const CellArrays from(memory, slstm_part_stride(DH), 0);
    std::copy(from.c + begin, from.c + end, row.c + head * DH + begin);
    std::copy(from.n + begin, from.n + end, row.n + head * DH + begin);
    std::copy(from.m + begin, from.m + end, row.m + head * DH + begin);
  }

  // What a token's inputs and the bias add to the pre-activations.
  void take_gates(const SlstmScanTensors& t, std::size_t NH, std::size_t token,
                  float* memory) const {
    const std::size_t stride = slstm_part_stride(DH);
    float* const added = CellArrays(memory, stride, 0).added;
    for (std::size_t g = 0; g < 4; ++g) {
      const float* const Wx = gate(t, NH, token, g);
      const float* const bias = t.bias + (head * 4 + g) * DH + begin;
      float* const to = added + g * stride + begin;
      for_vectors(end - begin, [&](auto load, auto store)
                                   HWY_ATTR { store(hn::Add(load(Wx), load(bias)), to); });
    }
  }

  // Short stretches of memory far from each other, which the processor does not prefetch by itself.
  void prefetch_gates(const SlstmScanTensors& t, std::size_t NH, std::size_t token) const {
    for (std::size_t g = 0; g < 4; ++g) {
      const float* const Wx = gate(t, NH, token, g);
      for (std::size_t at = 0; at < end - begin; at += 64 / sizeof(float)) hwy::Prefetch(Wx + at);
    }
  }

 private:
  const float* gate(const SlstmScanTensors& t, std::size_t NH, std::size_t token,
                    std::size_t g) const {
    return (g < 2 ? t.gates_if : t.gates_zo) + ((2 * token + g % 2) * NH + head) * DH + begin;
  }
};

// One token of `count` rows.
template <class Raw>
void step_rows(const CellWeights<Raw>& w, const SlstmCellRow* rows, std::size_t count,
               std::size_t step, const SlstmShare& share) {
  const std::size_t end = share.block1 * kUnitLanes;
  std::size_t unit = share.block0 * kUnitLanes;
  const std::size_t tiles = ceil_div(count, static_cast<std::size_t>(kMostTileRows));
  if (count == 1) {  // two vectors of units, as one has too few sums to keep the multipliers busy
    for (; unit + 2 * kUnitLanes <= end; unit += 2 * kUnitLanes) {
      step_tile<Raw, 1, 2>(w, rows, step, unit);
    }
  }
  for (; unit < end; unit += kUnitLanes) {
    for (std::size_t tile = 0; tile < tiles; ++tile) {
      const std::size_t begin = count * tile / tiles;
      with_tile_rows<1, kMostTileRows>(
          count * (tile + 1) / tiles - begin, [&](auto height) HWY_ATTR {
            step_tile<Raw, decltype(height)::value, 1>(w, rows + begin, step, unit);
          });
    }
  }
}

template <class Raw>
void scan_typed(const SlstmScanArgs& a, const SlstmScanTensors& t, const std::size_t* order,
                SlstmCellRow* cells, float* memory, const SlstmShare& share) {
  const std::size_t DH = a.DH, D = a.NH * DH, at = share.head * DH;
  const CellWeights<Raw> w{static_cast<const Raw*>(t.R) + at * 4 * round_up(DH, kUnitLanes), DH};
  const std::size_t count = share.row1 - share.row0;
  const auto row_at = [&](std::size_t r) -> const SlstmRow& {
    return t.rows[order[share.row0 + r]];
  };
  const TaskUnits units{share.head, DH, share.block0 * kUnitLanes,
                        std::min(DH, share.block1 * kUnitLanes)};
  for (std::size_t r = 0; r < count; ++r) {
    cells[r].memory = memory + r * kSlstmParts * slstm_part_stride(DH);
    units.take_state(row_at(r), cells[r].memory);
  }
  std::size_t active = count;
  for (std::size_t step = 0;; ++step) {
    while (active > 0 && row_at(active - 1).tokens <= step) --active;
    if (active == 0) break;
    for (std::size_t r = 0; r < active; ++r) {
      const std::size_t token = row_at(r).first + step;
      if (r + 1 < active) units.prefetch_gates(t, a.NH, row_at(r + 1).first + step);
      units.take_gates(t, a.NH, token, cells[r].memory);
      cells[r].y = t.y + token * D + at;
    }
    step_rows(w, cells, active, step, share);
  }
  for (std::size_t r = 0; r < count; ++r) units.give_state_back(row_at(r), cells[r].memory);
}

// `order`: rows by falling numbers of tokens. `cells` and `memory`: room for those of the share.
void scan_share(const SlstmScanArgs& a, const SlstmScanTensors& t, const std::size_t* order,
                SlstmCellRow* cells, float* memory, const SlstmShare& share) {
  if (t.type == WeightType::kF32) return scan_typed<float>(a, t, order, cells, memory, share);
  scan_typed<std::uint16_t>(a, t, order, cells, memory, share);
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {

HWY_EXPORT(tile_rows);
HWY_EXPORT(unit_lanes);
HWY_EXPORT(scan_share);

// Tasks for each head: ranges of rows where there are several tokens, else ranges of blocks of
// units, so that R is read once.
struct Division {
  std::size_t row_ranges = 1, block_ranges = 1;
};

Division division_of(const SlstmScanArgs& a, std::size_t tokens, std::size_t threads) {
  if (threads == 1) return {};
  if (tokens == 1) {
    return {1, std::min(ceil_div(a.DH, slstm_units()), ceil_div(4 * threads, a.NH))};
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
  const std::size_t units = slstm_units(), blocks = ceil_div(DH, units);
  for (std::size_t at = 0; at < NH * blocks * DH * 4; ++at) {
    const std::size_t gate = at % 4, d = at / 4 % DH, block = at / 4 / DH % blocks;
    const std::size_t head = at / 4 / DH / blocks, first = block * units;
    const std::size_t count = std::min(units, DH - first);
    const Raw* const from = R + ((head * DH + d) * 4 + gate) * DH + first;
    std::fill(std::copy_n(from, count, packed + at * units), packed + (at + 1) * units, Raw{});
  }
}

}  // namespace

std::size_t slstm_units() {
  return XLSTM_DISPATCH(unit_lanes)();
}

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
  const std::size_t blocks = ceil_div(a.DH, slstm_units()), each = d.row_ranges * d.block_ranges;
  pool.parallel_for(
      a.NH * each,
      [&](std::size_t task) {
        const std::size_t rows = task % each / d.block_ranges, part = task % d.block_ranges;
        const SlstmShare share{task / each, a.B * rows / d.row_ranges,
                               a.B * (rows + 1) / d.row_ranges, blocks * part / d.block_ranges,
                               blocks * (part + 1) / d.block_ranges};
        const std::size_t count = share.row1 - share.row0;
        const ScratchLease cells = pool.scratch(count * sizeof(SlstmCellRow), "slstm_scan");
        const ScratchLease memory =
            pool.scratch_floats(count * kSlstmParts * slstm_part_stride(a.DH), "slstm_scan");
        run(a, t, order, reinterpret_cast<SlstmCellRow*>(cells.bytes()), memory.floats(), share);
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
