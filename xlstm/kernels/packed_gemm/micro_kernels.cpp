// The best micro-kernels that this machine can run.
#include "xlstm/kernels/packed_gemm/micro_kernels.h"

namespace xlstm::kernels {

const Bf16Tile* bf16_tile() {
  const Bf16Tile* const tile = bf16_tile_avx512();
  return tile != nullptr ? tile : bf16_tile_neon();
}

const Int8Tile* int8_tile() {
  const Int8Tile* const tile = int8_tile_avx512();
  return tile != nullptr ? tile : int8_tile_neon();
}

}  // namespace xlstm::kernels
