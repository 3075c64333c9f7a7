// Tiles of float32: W transposed to panels [k][columns], x to [k][rows]; each float of x is
// broadcast and multiplied with a row of the panel.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "xlstm/kernels/panels/tiles.h"

// Accumulators are arrays of vectors, which vectors of unknown length cannot be in; Arm processors
// that have such have NEON too. SSSE3 without SSE4 is not worth its build time.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/panels/float_tile_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "xlstm/kernels/linear/linear_weights-inl.h"
#include "xlstm/kernels/panels/float_tile-inl.h"
#include "xlstm/kernels/panels/float_tile_scalar-inl.h"

#if HWY_ONCE
namespace xlstm::kernels {

HWY_EXPORT(tile_kernel);
HWY_EXPORT(pack_panel);
HWY_EXPORT(has_widest_vectors);

namespace {
std::atomic<bool> use_dots{true};
}  // namespace

const TileKernel& float_tile() {
  return *HWY_DYNAMIC_DISPATCH(tile_kernel)();
}

void pack_float_panel(const void* rows, WeightType type, std::size_t stride, std::size_t columns,
                      std::size_t depth, std::byte* panel) {
  HWY_DYNAMIC_DISPATCH(pack_panel)
  (rows, type, stride, columns, depth, reinterpret_cast<float*>(panel));
}

void use_dot_instructions(bool use) {
  use_dots = use;
}

bool dot_instructions_wanted() {
  return use_dots && HWY_DYNAMIC_DISPATCH(has_widest_vectors)();
}

}  // namespace xlstm::kernels
#endif
