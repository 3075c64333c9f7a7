#include "xlstm/mlx/mlx_tensor.h"

#include <array>
#include <cstdint>
#include <memory>

#include "xlstm/base/error.h"

namespace xlstm::mlx {
namespace {

struct Pair {
  DType ours;
  mx::Dtype theirs;
};
const std::array kTypes = {Pair{DType::kF32, mx::float32}, Pair{DType::kBF16, mx::bfloat16},
                           Pair{DType::kF16, mx::float16}, Pair{DType::kI32, mx::int32},
                           Pair{DType::kU32, mx::uint32},  Pair{DType::kU8, mx::uint8}};

DType dtype_of(mx::Dtype dtype) {
  for (const Pair& pair : kTypes) {
    if (pair.theirs == dtype) return pair.ours;
  }
  fail_wanted(ErrorKind::kInternal, "MLX", "a type that tensors have", "another");
}

}  // namespace

Tensor tensor_of(mx::array array) {
  const Shape lengths(array.shape().begin(), array.shape().end());
  const DType dtype = dtype_of(array.dtype());
  return {TensorShape(lengths), dtype, std::make_shared<MlxData>(std::move(array))};
}

mx::Shape mlx_shape(const TensorShape& shape) {
  mx::Shape lengths;
  for (std::size_t axis = 0; axis < shape.axes(); ++axis) {
    if (shape[axis] > INT32_MAX) {
      fail_wanted(ErrorKind::kModel, "MLX", "axes below 2^31", to_string(shape));
    }
    lengths.push_back(static_cast<int>(shape[axis]));
  }
  return lengths;
}

mx::Dtype mlx_dtype(DType dtype) {
  for (const Pair& pair : kTypes) {
    if (pair.ours == dtype) return pair.theirs;
  }
  fail_wanted(ErrorKind::kInternal, "MLX", "a type that tensors have", name_of(dtype));
}

}  // namespace xlstm::mlx
