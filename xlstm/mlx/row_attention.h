// Attention at each token across the rows of a group, in plain MLX.
#pragma once

#include "xlstm/backend/backend.h"
#include "xlstm/mlx/device_array.h"

namespace xlstm::mlx {

// As Backend::row_attention(): qkv [R * S, 3 * D] of any float type -> [R * S, D] of that type, in
// float32 between. All rows meet all, behind a mask.
DeviceArray row_attention(A qkv, const RowAttentionSpec& spec);

// Tokens of x [B * S, D] in the opposite order.
DeviceArray reverse_tokens(A x, int B);

}  // namespace xlstm::mlx
