// The choice of a token from logits.
#pragma once

#include "mlx/array.h"

namespace xlstm::ops {

// logits [..., V] float32 -> [] float32, their sum: a number if all of them are. (In float64 on the
// CPU, rounded at the end.)
mlx::core::array checksum(const mlx::core::array& logits);

// logits [B, V] float32 -> [B] int32: the largest of each row, the lowest id of equals.
mlx::core::array largest(const mlx::core::array& logits);
mlx::core::array largest_definition(const mlx::core::array& logits);

// logits [B, V] float32, -inf where a token must not be chosen, at least one finite a row, and a
// key [2] uint32 -> [B] int32, each row drawn from its softmax, rows independent. On the CPU by the
// inverse of the cumulative distribution, which needs one random number a row; elsewhere by Gumbel
// noise, which needs V but no order among them. The two draw differently from one key.
mlx::core::array draw(const mlx::core::array& logits, const mlx::core::array& key);
mlx::core::array draw_definition(const mlx::core::array& logits, const mlx::core::array& key);

}  // namespace xlstm::ops
