#include "xlstm/cuda/warpgroup_rows.h"

#include <algorithm>
#include <bit>

#include "xlstm/cuda/tensor_map.h"
#include "xlstm/cuda/type_names.h"

namespace xlstm::cuda {
namespace {

// As in the kernel.
constexpr int kTileRows = 64, kMostTiles = 4, kMostStages = 16, kSliceColumns = 128;
constexpr int kThreads = 256 + 128, kPiece = 64;
constexpr int kAlignment = 1024;  // of what is copied, in shared memory
// Fewer rows go by tensor_rows.cu: a layer of the 7B in 4 bits takes 143 us here instead of 125 for
// 16 rows, 193 instead of 211 for 32, 305 instead of 392 for 64 (H200).
constexpr int kLeastRows = 17, kMostRows = 64;

int pieces_of(std::int64_t count, std::int64_t each) {
  return static_cast<int>(blocks_for(count, each));
}

// How tiles and slices are divided.
struct Division {
  int cluster = 1, clusters = 0, tiles = 0, slices = 0;
  double cost = 0;
};

// The cycles of the block that has most to do, estimated: a slice waits for its products, or for
// its bytes from the second cache, of which a multiprocessor gets some 36 a cycle; a pass begins
// and ends in some thousands.
Division divide(std::int64_t all_tiles, int all_slices, int rows, int bits, int multiprocessors) {
  constexpr double kPass = 4000, kBytes = 36;
  Division best;
  for (const int cluster : {1, 2, 4}) {
    if (all_slices < 4 * cluster && cluster > 1) continue;
    Division d;
    d.cluster = cluster;
    // Clusters lie within groups of multiprocessors, of which some have 16.
    const int most = cluster == 1 ? multiprocessors : multiprocessors / 16 * 16 / cluster;
    if (most == 0) continue;
    const int own = pieces_of(all_tiles, most);
    const int passes = pieces_of(own, kMostTiles);
    if (cluster > 1 && passes > 1) continue;
    d.tiles = pieces_of(own, passes);
    d.clusters = static_cast<int>(std::min<std::int64_t>(all_tiles, most));
    d.slices = pieces_of(all_slices, cluster);
    const double products = 4.0 * d.tiles * rows;
    const double bytes =
        (256.0 * rows + static_cast<double>(kTileRows * kSliceColumns * bits / 8) * d.tiles) /
        kBytes;
    d.cost = passes * (kPass + d.slices * std::max(products, bytes));
    if (best.clusters == 0 || d.cost < best.cost) best = d;
  }
  return best;
}

}  // namespace

std::optional<WarpgroupRows::Plan> WarpgroupRows::plan(std::int64_t M, std::int64_t N,
                                                       std::int64_t K, const Quantization& format,
                                                       DType scales) const {
  const int bits = format.bits;
  // Of a row of W, and of x: what copies want, and what is put into order together.
  const bool fits = N >= kTileRows && N % kTileRows == 0 && K % 8 == 0 && K * bits / 8 % 16 == 0;
  if (work_.device().capability() != 90 || M < kLeastRows || M > kMostRows || !fits ||
      format.mode != QuantizationMode::kAffine || (bits != 4 && bits != 8) ||
      scales != DType::kBF16) {
    return std::nullopt;
  }
  Plan plan;
  plan.rows = M <= 32 ? 32 : 64;
  const int all_slices = pieces_of(K, kSliceColumns);
  Division d = divide(N / kTileRows, all_slices, plan.rows, bits, work_.device().multiprocessors());
  WarpgroupRowsArgs& a = plan.args;
  plan.tiles = d.tiles;
  plan.clusters = d.clusters;
  plan.columns = std::int64_t{all_slices} * kSliceColumns;
  a.cluster = d.cluster;
  a.slices = d.slices;
  a.group_shift = std::countr_zero(static_cast<unsigned>(format.group_size));
  a.groups = d.slices * kSliceColumns / format.group_size;
  const std::int64_t groups_of_row = K / format.group_size;
  a.wide_groups = groups_of_row % 8 == 0 && a.groups % 8 == 0 ? 1 : 0;
  const int weights = d.tiles * kTileRows * kSliceColumns * bits / 8;
  a.stage_bytes = weights + kSliceColumns * plan.rows * 2;
  const int table = (d.tiles * kTileRows + 8) * a.groups * 4;
  const int sums = (d.tiles * kTileRows + 4) * plan.rows * 4;
  const int room = work_.device().dynamic_shared_bytes() - kAlignment - table;
  // An even number: a stage then belongs to one of two warpgroups during a pass, which sees each of
  // its phases. (A wait for a phase whose predecessor has not ended yet would return at once.)
  a.stages = std::min(room / a.stage_bytes, kMostStages) / 2 * 2;
  if (a.stages < 2 || room < sums) return std::nullopt;
  a.table_at = std::max(a.stages * a.stage_bytes, sums);
  plan.shared_bytes = static_cast<std::size_t>(a.table_at + table + kAlignment);
  return plan;
}

Tensor WarpgroupRows::ordered(const Plan& plan, const Tensor& x, int bits) {
  const int M = narrow(x.shape()[0]), K = narrow(x.shape()[1]);
  Tensor y = work_.allocate({M, plan.columns}, DType::kBF16, "linear");
  const ColumnOrderArgs args{work_.pointer(x), work_.to_write(y), M, K, narrow(plan.columns)};
  work_.programs().launch("warpgroup_rows", str("order_columns_", bits),
                          {.x = blocks_for(M * plan.columns / 8, 256), .dependent = true}, args);
  return y;
}

void WarpgroupRows::compute(const Plan& plan, const RowProductArgs& args,
                            const QuantizedTensor& W) {
  const int bits = W.format.bits;
  WarpgroupRowsArgs t = plan.args;
  t.scales = work_.pointer(W.scales);
  t.biases = work_.pointer(W.biases);
  WarpgroupRowsMaps maps;
  const Device& device = work_.device();
  maps.W = tensor_map(device, {.from = work_.pointer(W.words),
                               .rows = args.N,
                               .row_bytes = std::int64_t{args.K} * bits / 8,
                               .box_rows = plan.tiles * kTileRows / (args.swiglu != 0 ? 2 : 1),
                               .box_bytes = kPiece,
                               .swizzled = false});
  maps.x = tensor_map(device, {.from = args.x,
                               .rows = args.M,
                               .row_bytes = 2 * plan.columns,
                               .box_rows = plan.rows,
                               .pieces = 2});
  work_.programs().launch("warpgroup_rows",
                          str("warpgroup_rows_", bits, "_", plan.tiles, "_", plan.rows),
                          {.x = static_cast<unsigned>(plan.clusters * t.cluster),
                           .threads = kThreads,
                           .shared = plan.shared_bytes,
                           .dependent = true,
                           .cluster = static_cast<unsigned>(t.cluster)},
                          args, t, maps);
}

}  // namespace xlstm::cuda
