// How a GPU multiplies float32 numbers.
//
// Unless its environment variable MLX_ENABLE_TF32 is 0, MLX lets GPUs that can (NVIDIA's from
// Ampere on, Apple's with neural accelerators) round the factors of float32 products to TF32, which
// has 11 bits instead of 24. It looks at the variable once, at its first product on a GPU.
#pragma once

#include "mlx/device.h"

namespace xlstm::mlx {

// Before the first product: where the device is a GPU and the user has not set MLX_ENABLE_TF32,
// sets it to 0 for this process, so that float32 means float32.
void ask_for_float32_products(const ::mlx::core::Device& device);

// Whether the device is a GPU and the user has set MLX_ENABLE_TF32 so that it may round.
bool may_round_to_tf32(const ::mlx::core::Device& device);

}  // namespace xlstm::mlx
