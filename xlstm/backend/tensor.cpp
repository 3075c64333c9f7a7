#include "xlstm/backend/tensor.h"

#include <algorithm>

#include "xlstm/base/error.h"

namespace xlstm {

TensorShape::TensorShape(std::initializer_list<std::int64_t> lengths) : axes_(lengths.size()) {
  if (axes_ > kMostAxes) {
    fail_wanted(ErrorKind::kInternal, "tensor", str("at most ", kMostAxes, " axes"), str(axes_));
  }
  std::copy(lengths.begin(), lengths.end(), lengths_.begin());
}

TensorShape::TensorShape(const Shape& lengths) : axes_(lengths.size()) {
  const bool negative = std::ranges::any_of(lengths, [](auto length) { return length < 0; });
  if (axes_ > kMostAxes || negative) {
    fail_wanted(ErrorKind::kInternal, "tensor", str("at most ", kMostAxes, " axes, none negative"),
                xlstm::to_string(lengths));
  }
  std::copy(lengths.begin(), lengths.end(), lengths_.begin());
}

std::int64_t TensorShape::elements() const {
  std::int64_t count = 1;
  for (std::size_t axis = 0; axis < axes_; ++axis) count *= lengths_[axis];
  return count;
}

TensorShape TensorShape::with_last(std::int64_t length) const {
  TensorShape shape = *this;
  shape.lengths_[shape.axes_ - 1] = length;
  return shape;
}

Shape to_shape(const TensorShape& shape) {
  Shape lengths;
  for (std::size_t axis = 0; axis < shape.axes(); ++axis) lengths.push_back(shape[axis]);
  return lengths;
}

std::string to_string(const TensorShape& shape) {
  return to_string(to_shape(shape));
}

}  // namespace xlstm
