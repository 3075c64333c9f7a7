#include "xlstm/cuda/tensor_row.h"

#include <algorithm>
#include <bit>
#include <string>

#include "xlstm/cuda/linear.h"
#include "xlstm/cuda/type_names.h"

namespace xlstm::cuda {
namespace {

// As in the kernel.
constexpr int kThreads = 256 + 32, kRows = 8, kSums = 8, kFlush = 12;
constexpr std::int64_t kQuad = 2048, kMostShort = 2 * kQuad, kMost = 6 * kQuad;  // columns
constexpr std::int64_t kUnit = 16;  // bytes that copies are whole numbers of
// Stages of the ring, where these bytes hold them. More of them delay what a kernel reads of the
// one before: q, k, v and gates of 4 bits take 11.6 us with eight stages and 10.4 with four (H200).
constexpr std::int64_t kStages = 4, kRing = 150 << 10;
// What a block takes at the least, more than half of what there is: else two of the next kernel's
// would lie on the multiprocessor that is done first.
constexpr std::int64_t kAlone = 116 << 10;

std::string format_name(const QuantizedTensor& W) {
  const Quantization& f = W.format;
  if (f.mode == QuantizationMode::kMxfp4) return "mxfp4";
  if (f.group_size < 64 || f.bits == 3 || f.bits == 5 || f.bits == 6) return str(f.bits, "_apart");
  return f.bits == 2 ? "2" : str(f.bits, "_", type_name(W.scales.dtype()));
}

}  // namespace

std::optional<TensorRow::Plan> TensorRow::plan(const Sizes& sizes, const Quantization& format,
                                               DType scales) const {
  const bool affine = format.mode == QuantizationMode::kAffine;
  if (affine && scales != DType::kF32 && scales != DType::kBF16) return std::nullopt;
  const std::int64_t K = sizes.K, rows = sizes.swiglu ? sizes.N / 2 : sizes.N;
  const auto scale_bytes = static_cast<std::int64_t>(size_of(scales));
  const std::int64_t words = kRows * K / 8 * format.bits;
  const std::int64_t table = kRows * (K / format.group_size) * scale_bytes;
  if (work_.device().capability() < 90 || rows < kRows || rows % kRows != 0 || K % 32 != 0 ||
      K > kMost || words % kUnit != 0 || table % kUnit != 0) {
    return std::nullopt;
  }
  const std::int64_t sets = sizes.swiglu ? 2 : 1;
  std::int64_t stage = sets * (words + (affine ? 2 : 1) * table);
  if (sizes.N2 > 0) stage = std::max(stage, K * static_cast<std::int64_t>(sizeof(float)));
  const std::int64_t sums =
      sets * kFlush * kRows * kSums * static_cast<std::int64_t>(sizeof(float));
  // x as float16 with what is summed of it, and as it is.
  const std::int64_t quads = (K + kQuad - 1) / kQuad;
  const std::int64_t x = quads * (kQuad * 2 + 2 * 32 * 4) + (sizes.N2 > 0 ? K * 2 : 0);
  const std::int64_t besides = sums + x;
  const std::int64_t most = work_.device().dynamic_shared_bytes() - besides;
  if (2 * stage > most) return std::nullopt;
  Plan plan;
  const std::int64_t stages = std::clamp<std::int64_t>(std::min(kRing, most) / stage, 2, kStages);
  plan.blocks = static_cast<int>(
      std::min<std::int64_t>(rows / kRows + sizes.N2, work_.device().multiprocessors()));
  plan.is_long = K > kMostShort;
  plan.args.ring = {narrow(stages), narrow(stage)};
  plan.args.sums_at = narrow(stages * stage);
  plan.args.x_at = narrow(stages * stage + sums);
  plan.args.scale_bytes = narrow(scale_bytes);
  plan.args.group_shift = std::countr_zero(static_cast<unsigned>(format.group_size));
  plan.shared_bytes = static_cast<std::size_t>(std::max(stages * stage + besides, kAlone));
  return plan;
}

void TensorRow::compute(const Plan& plan, const RowProductArgs& args, const QuantizedTensor& W) {
  work_.programs().launch("tensor_row",
                          str("tensor_row_", format_name(W), plan.is_long ? "_long" : "_short"),
                          {.x = static_cast<unsigned>(plan.blocks),
                           .threads = kThreads,
                           .shared = plan.shared_bytes,
                           .dependent = true},
                          args, quantized_args(work_, W), plan.args);
}

}  // namespace xlstm::cuda
