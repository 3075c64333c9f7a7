#include "xlstm/cuda/tensor_rows.h"

#include <algorithm>
#include <bit>
#include <string>

#include "xlstm/cuda/linear.h"
#include "xlstm/cuda/type_names.h"

namespace xlstm::cuda {
namespace {

// As in the kernel.
constexpr int kRows = 16, kMostUnits = 6, kMostTiles = 8, kMostStages = 16;
constexpr int kWarps = 8, kThreads = 32 * (kWarps + 4), kChunk = 32;
constexpr std::size_t kReserved = 16 << 10;  // bytes of shared memory that blocks have besides

int tiles_for(std::int64_t M) {
  int tiles = 1;
  while (8 * tiles < M) tiles *= 2;
  return tiles;
}

// Bytes between rows, so that what a warp reads together lies in different banks: in rows of 64
// bytes (bfloat16), 16 (up to four bits) or 32.
int stride_for(int bytes, int bits) {
  const int apart = bits == 16 ? 64 : bits <= 4 ? 16 : 32;
  return (bytes + 127) / 128 * 128 + apart;
}

// Columns of a stage: as many as warps that lie along K take at once, more where these are few bytes.
int slice_for(int tiles, int bits) {
  const int along = tiles >= 4 ? kWarps / 2 : kWarps;
  const int together = bits == 16 ? kChunk : 2 * kChunk;
  const int more = bits <= 4 && tiles < 4 ? 2 : 1;
  return along * together * more;
}

// Threads that copy a row of so many bytes, 16 each.
int lanes_for(int bytes) {
  return std::clamp(static_cast<int>(std::bit_ceil(static_cast<unsigned>(bytes) / 16)), 4, 128);
}

std::string format_name(const QuantizedTensor* W) {
  if (W == nullptr) return "bf16";
  if (W->format.mode == QuantizationMode::kMxfp4) return "mxfp4";
  return std::to_string(W->format.bits);
}

}  // namespace

std::optional<TensorRows::Plan> TensorRows::plan(std::int64_t M, std::int64_t N, std::int64_t K,
                                                 const std::optional<Quantization>& format,
                                                 std::size_t scale_bytes) const {
  if (work_.device().capability() < 90 || M < 1 || M > 8 * kMostTiles || N < kRows ||
      N % kRows != 0 || K % kChunk != 0) {
    return std::nullopt;
  }
  Plan plan;
  plan.tiles = tiles_for(M);
  const std::int64_t units = N / kRows;
  plan.blocks = static_cast<int>(std::min<std::int64_t>(units, work_.device().multiprocessors()));
  const std::int64_t most = blocks_for(units, plan.blocks);  // units of a block
  const int each = static_cast<int>(blocks_for(most, blocks_for(most, kMostUnits)));
  const int bits = format ? format->bits : 16;
  TensorRowsArgs& a = plan.args;
  a.slice = slice_for(plan.tiles, bits);
  a.row_stride = stride_for(a.slice * bits / 8 + (bits == 16 ? 0 : 15), bits);
  a.x_stride = stride_for(2 * a.slice, 16);
  a.row_lanes = lanes_for(a.slice * bits / 8);
  a.x_lanes = lanes_for(2 * a.slice);
  a.x_at = each * kRows * a.row_stride;
  a.stage_bytes = a.x_at + narrow(M) * a.x_stride;
  a.scale_bytes = static_cast<int>(scale_bytes);
  std::int64_t table = 0;
  if (format) {
    a.table_rows = each * kRows;
    a.table_stride = narrow((K / format->group_size * a.scale_bytes + 15 + 31) / 32 * 32 + 16);
    const int sets = format->mode == QuantizationMode::kAffine ? 2 : 1;
    table = std::int64_t{sets} * a.table_rows * a.table_stride;
  }
  const std::int64_t parts = (std::int64_t{kWarps} * kRows * (8 * plan.tiles + 1) * 4 + 15) / 16 * 16;
  const auto all = work_.device().shared_bytes() - static_cast<std::int64_t>(kReserved);
  const std::int64_t stages = std::min<std::int64_t>((all - table - parts) / a.stage_bytes, kMostStages);
  if (stages < 2) return std::nullopt;
  a.stages = static_cast<int>(stages);
  a.table_at = a.stages * a.stage_bytes;
  a.parts_at = narrow(a.table_at + table);
  plan.shared_bytes = static_cast<std::size_t>(a.parts_at + parts);
  return plan;
}

void TensorRows::compute(const Plan& plan, const RowProductArgs& args, const QuantizedTensor* W) {
  const QuantizedArgs quantized = W != nullptr ? quantized_args(work_, *W) : QuantizedArgs{};
  work_.programs().launch("tensor_rows", str("tensor_rows_", format_name(W), "_", plan.tiles),
                          {.x = static_cast<unsigned>(plan.blocks),
                           .threads = kThreads,
                           .shared = plan.shared_bytes,
                           .dependent = true},
                          args, quantized, plan.args);
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
