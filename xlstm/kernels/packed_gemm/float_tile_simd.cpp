// Tiles of float32: W transposed to panels [k][columns], x to [k][rows]; each float of x is
// broadcast and multiplied with a row of the panel.
#include <algorithm>
#include <cstring>

#include "xlstm/kernels/packed_gemm/micro_kernels.h"
#include "xlstm/kernels/simd/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/packed_gemm/float_tile_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "xlstm/kernels/linear/linear_weights-inl.h"
#include "xlstm/kernels/packed_gemm/float_tile-inl.h"
#include "xlstm/kernels/packed_gemm/float_tile_scalar-inl.h"

#if HWY_ONCE
namespace xlstm::kernels {

HWY_EXPORT(micro_kernel);
HWY_EXPORT(pack_panel);

const MicroKernel& float_tile() {
  return *XLSTM_DISPATCH(micro_kernel)();
}

void pack_float_panel(const void* rows, WeightType type, std::size_t stride, std::size_t columns,
                      std::size_t depth, std::byte* panel) {
  XLSTM_DISPATCH(pack_panel)
  (rows, type, stride, columns, depth, reinterpret_cast<float*>(panel));
}

}  // namespace xlstm::kernels
#endif
