// Checks of op inputs: one line each, one message form.
#pragma once

#include <cstddef>
#include <string_view>

#include "mlx/array.h"

namespace xlstm::ops {

// Throws Error(kInternal) "[op] wanted `name` of shape ..., got ...".
void want_shape(std::string_view op, std::string_view name, const mlx::core::array& a,
                const mlx::core::Shape& shape);
void want_dtype(std::string_view op, std::string_view name, const mlx::core::array& a,
                mlx::core::Dtype dtype);
void want_float32(std::string_view op, std::string_view name, const mlx::core::array& a);
void want_float(std::string_view op, std::string_view name, const mlx::core::array& a);
void want_rank(std::string_view op, std::string_view name, const mlx::core::array& a, int rank);

// Throws Error(kInternal) unless `shape` is one of `count` elements.
void want_elements(std::string_view op, const mlx::core::Shape& shape, std::size_t count);

}  // namespace xlstm::ops
