#include "xlstm/cuda/dense_rows.h"

#include <algorithm>

#include "xlstm/base/error.h"
#include "xlstm/cuda/type_names.h"

namespace xlstm::cuda {
namespace {

// As in the kernel.
constexpr int kUnit = 8, kStep = 256, kPadding = 128, kMostStages = 16, kWarps = 8;
constexpr int kMostOfHalf = 64;  // registers of x with which half of a multiprocessor's are enough

// What kernels there are: columns of W up to tiles, segments and steps.
constexpr DenseRows::Plan kPlans[] = {{1, 1, 4},  {1, 1, 8}, {1, 1, 16}, {1, 2, 11}, {1, 2, 16},
                                      {1, 3, 15}, {2, 1, 4}, {2, 1, 8},  {2, 1, 16}, {2, 2, 11}};

constexpr int stage_bytes(const DenseRows::Plan& plan) {
  return kUnit * (2 * plan.steps * kStep + kPadding);
}

// Whether half of a multiprocessor's registers are enough. More of them for threads that compute
// there are on 9.0 alone, where others leave them theirs.
constexpr bool is_half(const DenseRows::Plan& plan) {
  return 4 * plan.tiles * plan.segments * plan.steps <= kMostOfHalf;
}

}  // namespace

std::optional<DenseRows::Plan> DenseRows::plan(std::int64_t M, std::int64_t K) const {
  constexpr std::int64_t kAligned = 8;  // columns of 16 bytes
  const Device& device = work_.device();
  if (device.capability() < 90 || M < 2 || M > 16 || K < 1 || K % kAligned != 0) {
    return std::nullopt;
  }
  const int tiles = M <= 8 ? 1 : 2;
  const auto* const found = std::find_if(std::begin(kPlans), std::end(kPlans), [&](const Plan& p) {
    return p.tiles == tiles && K <= std::int64_t{p.segments} * p.steps * kStep;
  });
  if (found == std::end(kPlans) || (!is_half(*found) && device.capability() != 90) ||
      2 * stage_bytes(*found) > device.dynamic_shared_bytes()) {
    return std::nullopt;
  }
  return *found;
}

void DenseRows::compute(const Plan& plan, const RowProductArgs& args) {
  // Bytes of a ring that leaves the blocks of small kernels room beside it.
  constexpr int kRing = 200 << 10;
  const int stage = stage_bytes(plan);
  const int most = std::min(kRing, work_.device().dynamic_shared_bytes());
  const StreamArgs stream = {std::min(most / stage, kMostStages), stage};
  const bool swiglu = args.swiglu != 0;
  const unsigned units = blocks_for(swiglu ? args.N / 2 : args.N, swiglu ? kUnit / 2 : kUnit);
  const auto most_blocks = static_cast<unsigned>(work_.device().multiprocessors());
  work_.programs().launch(
      "dense_rows", str("dense_rows_", plan.tiles, "_", plan.segments, "_", plan.steps),
      {.x = std::min(units, most_blocks),
       .threads = static_cast<unsigned>(32 * (kWarps + (is_half(plan) ? 1 : 4))),
       .shared = static_cast<std::size_t>(stream.stages) * static_cast<std::size_t>(stage),
       .dependent = true},
      args, stream);
}

}  // namespace xlstm::cuda
