// How a GPU multiplies float32 numbers.
//
// Unless its environment variable MLX_ENABLE_TF32 is 0, MLX lets GPUs that can (NVIDIA's from
// Ampere on, Apple's with neural accelerators) round the factors of float32 products to TF32, which
// has 11 bits instead of 24. It looks at the variable once, at its first product on a GPU.
#pragma once

#include "mlx/device.h"

namespace xlstm::ops {

// Before the first product: where the device is a GPU and the user has not set MLX_ENABLE_TF32,
// sets it to 0 for this process, so that float32 means float32.
void ask_for_float32_products(const mlx::core::Device& device = mlx::core::default_device());

// Whether the device is a GPU and the user has set MLX_ENABLE_TF32 so that it may round.
bool tf32_wanted(const mlx::core::Device& device = mlx::core::default_device());

// Most that rounding both factors to TF32 changes a product by, as a share of it. Derivation: 10
// bits behind the first, cut off: each factor loses less than 2^-10 of itself.
inline constexpr double kTf32Product = 0x1p-9 + 0x1p-20;

}  // namespace xlstm::ops
