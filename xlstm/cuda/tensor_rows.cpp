#include "xlstm/cuda/tensor_rows.h"

#include <algorithm>
#include <bit>
#include <string>

#include "xlstm/cuda/linear.h"
#include "xlstm/cuda/tensor_map.h"
#include "xlstm/cuda/type_names.h"

namespace xlstm::cuda {
namespace {

// As in the kernel.
constexpr int kRows = 16, kMostUnits = 6, kMostTiles = 8, kMostStages = 16, kChunk = 32;
constexpr int kWarps = 8, kThreads = 32 * (kWarps + 4);
constexpr int kPiece = 128;       // bytes of a row that are copied together
constexpr int kAlignment = 1024;  // of what is copied, in shared memory: eight pieces
// Bytes of shared memory where two stages fit into so many: with more, products of one row took 73
// us a layer instead of 68 (H200).
constexpr int kRing = 109 << 10;

int tiles_for(std::int64_t M) {
  int tiles = 1;
  while (8 * tiles < M) tiles *= 2;
  return tiles;
}

// Columns of a stage: those that warps take at once, or more, so that rows are whole pieces.
int slice_for(int tiles, int bits) {
  if (tiles >= 4) return 256;
  return bits == 3 || bits == 5 ? 1024 : 512;
}

int round_up_to(int count, int multiple) {
  return (count + multiple - 1) / multiple * multiple;
}

std::string format_name(const QuantizedTensor& W) {
  if (W.format.mode == QuantizationMode::kMxfp4) return "mxfp4";
  const bool own = W.format.bits == 4 || W.format.bits == 8;  // kernels for each type of scales
  return str(W.format.bits, "_", own ? type_name(W.scales.dtype()) : "any");
}

}  // namespace

std::optional<TensorRows::Plan> TensorRows::plan(std::int64_t M, std::int64_t N, std::int64_t K,
                                                 const Quantization& format, DType scales,
                                                 bool swiglu) const {
  const int bits = format.bits;
  constexpr std::int64_t kUnit = 16;  // bytes that rows begin at
  if (work_.device().capability() < 90 || M < 1 || M > 8 * kMostTiles || N < kRows ||
      N % kRows != 0 || K % kChunk != 0 || K * bits / 8 % kUnit != 0) {
    return std::nullopt;
  }
  Plan plan;
  plan.tiles = tiles_for(M);
  const std::int64_t units = N / kRows;
  plan.blocks = static_cast<int>(std::min<std::int64_t>(units, work_.device().multiprocessors()));
  const std::int64_t most = blocks_for(units, plan.blocks);  // of a block
  TensorRowsArgs& a = plan.args;
  a.units = static_cast<int>(blocks_for(most, blocks_for(most, kMostUnits)));
  a.slice = slice_for(plan.tiles, bits);
  const int piece = a.units * kRows * kPiece;
  a.unit_bytes = (swiglu ? kRows / 2 : kRows) * kPiece;
  a.second_rows = (swiglu ? a.units : 1) * kRows / 2 * kPiece;
  a.x_at = round_up_to(a.slice * bits / 8, kPiece) / kPiece * piece;
  a.x_piece = round_up_to(narrow(M), 8) * kPiece;
  a.x_together = K % 64 == 0 ? 1 : 0;
  a.stage_bytes = a.x_at + a.slice / 64 * a.x_piece;
  const bool affine = format.mode == QuantizationMode::kAffine;
  if (affine && scales != DType::kF32 && scales != DType::kBF16) return std::nullopt;
  a.group_shift = std::countr_zero(static_cast<unsigned>(format.group_size));
  a.scale_bytes = static_cast<int>(size_of(scales));
  a.table_sets = affine ? 2 : 1;
  a.table_row = narrow(K / format.group_size * static_cast<std::int64_t>(size_of(scales)));
  if (a.table_row % 2 != 0) return std::nullopt;
  a.table_is_swizzled = a.table_row % kUnit == 0 ? 1 : 0;
  const bool swizzled = a.table_is_swizzled != 0;
  a.table_unit = swizzled ? a.unit_bytes : kRows * a.table_row;
  a.table_set = swizzled ? round_up_to(a.table_row, kPiece) / kPiece * piece
                         : round_up_to(a.units * a.table_unit, 16);
  // Kernels read 2, 4 or 6 units (of the rarer formats 2 or 6), whether a block has so many or not.
  const int read = a.units <= 2 ? 2 : a.units <= 4 && (bits == 4 || bits == 8) ? 4 : kMostUnits;
  const int table = a.table_sets * a.table_set + (read - a.units) * a.table_unit;
  const int parts = round_up_to(kWarps * kRows * (8 * plan.tiles + 1) * 4, 16);
  const int all = work_.device().dynamic_shared_bytes() - kAlignment;
  const auto stages = [&](int of) { return (of - table - parts) / a.stage_bytes; };
  a.stages = std::min(stages(stages(kRing) >= 2 ? kRing : all), kMostStages);
  if (a.stages < 2) return std::nullopt;
  a.table_at = a.stages * a.stage_bytes;
  a.parts_at = a.table_at + round_up_to(table, 16);
  plan.shared_bytes = static_cast<std::size_t>(a.parts_at + parts + kAlignment);
  return plan;
}

void TensorRows::compute(const Plan& plan, const RowProductArgs& args, const QuantizedTensor& W) {
  TensorRowsArgs t = plan.args;
  TensorRowsMaps maps{};
  const int rows = t.units * (args.swiglu != 0 ? kRows / 2 : kRows);
  const auto weights = [&](const void* from, std::int64_t row_bytes) {
    return tensor_map(work_.device(),
                      {.from = from, .rows = args.N, .row_bytes = row_bytes, .box_rows = rows});
  };
  maps.W = weights(work_.pointer(W.words), std::int64_t{args.K} * W.format.bits / 8);
  maps.x = tensor_map(work_.device(), {.from = args.x,
                                       .rows = args.M,
                                       .row_bytes = std::int64_t{2} * args.K,
                                       .box_rows = round_up_to(args.M, 8),
                                       .pieces = t.x_together != 0 ? t.slice / 64 : 0});
  t.scales = work_.pointer(W.scales);
  t.biases = work_.pointer(W.biases);
  if (t.table_is_swizzled != 0) {
    maps.scales = weights(t.scales, t.table_row);
    if (t.biases != nullptr) maps.biases = weights(t.biases, t.table_row);
  }
  work_.programs().launch("tensor_rows", str("tensor_rows_", format_name(W), "_", plan.tiles),
                          {.x = static_cast<unsigned>(plan.blocks),
                           .threads = kThreads,
                           .shared = plan.shared_bytes,
                           .dependent = true},
                          args, t, maps);
}

bool TensorRows::takes_norm(std::int64_t K) {
  return K % 8 == 0 && K <= 4 * 8 * 256;
}

void TensorRows::norm(const RowNormArgs& args, std::int64_t M, DType dtype) {
  constexpr int kColumns = 8 * 256;  // of a block's threads at a time
  const int chunks = args.K <= kColumns ? 1 : args.K <= 2 * kColumns ? 2 : 4;
  work_.programs().launch("row_norms", str("row_norm_", type_name(dtype), "_", chunks),
                          {.x = static_cast<unsigned>(M),
                           .y = std::max(1U, blocks_for(args.N2, 2)),
                           .threads = 256,
                           .dependent = true},
                          args);
}

}  // namespace xlstm::cuda
