// Attention at each token across the rows of a group, in plain MLX.
#pragma once

#include "xlstm/backend/backend.h"
#include "xlstm/mlx/device_array.h"

namespace xlstm::mlx {

// As Backend::row_attention(): qkv [R * S, 3 * D] of any float type -> [R * S, D] of that type, in
// float32 between. Sets of rows that see as many go together, so that no row meets one it does not
// see: not even a NaN of that comes through.
DeviceArray row_attention(A qkv, const RowAttentionSpec& spec);

// Tokens of x [B * S, D] in the opposite order.
DeviceArray reverse_tokens(A x, int B);

}  // namespace xlstm::mlx
