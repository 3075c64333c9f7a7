// The arrays behind tensors of the MLX backend.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "mlx/array.h"
#include "xlstm/backend/tensor.h"

namespace xlstm::mlx {

namespace mx = ::mlx::core;

struct MlxData : TensorData {
  explicit MlxData(mx::array a) : array(std::move(a)) {}

  mx::array array;
  // As products take it: a matrix [N, K] transposed, a bias [N] as a row [1, N]; views, which are
  // no nodes of every step's graph.
  std::optional<mx::array> prepared;
};

inline MlxData& data_of(const Tensor& tensor) {
  return static_cast<MlxData&>(*tensor.data());
}
inline const mx::array& array_of(const Tensor& tensor) {
  return data_of(tensor).array;
}

Tensor tensor_of(mx::array array);

mx::Shape mlx_shape(const TensorShape& shape);  // throws Error(kModel) for axes of 2^31 or more
mx::Dtype mlx_dtype(DType dtype);               // throws Error(kInternal) for types without one

}  // namespace xlstm::mlx
