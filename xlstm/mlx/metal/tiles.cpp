#include "xlstm/mlx/metal/tiles.h"

#include <algorithm>

#include "xlstm/base/ceil_div.h"

namespace xlstm::mlx::metal {
namespace {

constexpr int kSimd = 32;

int whole_simdgroups(int threads) {
  return round_up(threads, kSimd);
}

// 16, 32 or 64: the smallest that holds `width`, or the largest.
int tile_of(int width) {
  return width > 32 ? 64 : width > 16 ? 32 : 16;
}

}  // namespace

std::optional<MlstmStepTile> mlstm_step_tile(const MlstmSizes& s, const Tuning& tuning) {
  // Columns that lie together are read together; but rather threads for all rows than wide ones.
  const int columns = s.DHV % 4 == 0 ? 4 : s.DHV % 2 == 0 ? 2 : 1;
  const int slots = s.DHV / columns;
  if (slots > tuning.step_threads) return std::nullopt;
  // At least 8 rows a thread, so that what parts of a sum cost stays small beside them.
  const int groups = std::clamp(s.DHQK / 8, 1, tuning.step_threads / slots);
  MlstmStepTile tile = {columns, groups, whole_simdgroups(slots * groups)};
  while (tile.row_groups > 1 && tile.threadgroup_bytes(s) > kThreadgroupBytes) {
    tile.row_groups /= 2;
    tile.threads = whole_simdgroups(slots * tile.row_groups);
  }
  if (tile.threadgroup_bytes(s) > kThreadgroupBytes) return std::nullopt;
  return tile;
}

int MlstmChunkTile::outputs_bytes() const {
  const int stage_floats = std::max(stage, 8) * (simdgroups * blocks * 8 + 4);
  return 4 * (32 * 36 + std::max(2 * 32 * 33, stage_floats) + 3 * chunk + 64);
}

std::optional<MlstmChunkTile> mlstm_chunk_tile(const MlstmSizes& s, const Tuning& tuning) {
  // Up to 8 blocks of columns a SIMD group, beside its 4 blocks of rows, stay in registers.
  constexpr int kMostBlocks = 8;
  const int wanted = ceil_div(s.DHV, 8);
  const int simdgroups = wanted > 4 ? 8 : wanted > 2 ? 4 : wanted;
  const int blocks = ceil_div(wanted, simdgroups);
  if (blocks > kMostBlocks) return std::nullopt;
  MlstmChunkTile tile = {tuning.chunk, tile_of(s.DHQK), tile_of(s.DHV), simdgroups, blocks, 32};
  constexpr int kAim = 24 * 1024;  // a quarter left
  while (tile.stage > 8 && tile.outputs_bytes() > kAim) tile.stage /= 2;
  if (std::max(tile.outputs_bytes(), tile.states_bytes()) > kThreadgroupBytes) return std::nullopt;
  return tile;
}

std::optional<SlstmTile> slstm_tile(int B, int DH, const Tuning& tuning) {
  constexpr int kMostSequences = 8;  // sums of one column, in registers
  SlstmTile tile = {std::clamp(B, 1, kMostSequences),
                    std::min(whole_simdgroups(4 * DH), tuning.step_threads)};
  while (tile.sequences > 1 && tile.threadgroup_bytes(DH) > kThreadgroupBytes) tile.sequences /= 2;
  if (tile.threadgroup_bytes(DH) > kThreadgroupBytes) return std::nullopt;
  return tile;
}

std::optional<int> headwise_lanes(int rows, int I) {
  constexpr int kNarrow = 16;  // as much as a thread reads in one line of memory
  constexpr int kFewRows = 8;  // W is read once a row
  if (I <= kNarrow) return 1;
  return rows <= kFewRows ? std::optional(kSimd) : std::nullopt;
}

}  // namespace xlstm::mlx::metal
