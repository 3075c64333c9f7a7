// A tensor as recipes see it: a shape, an element type, and memory that only its backend can read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "xlstm/base/dtype.h"
#include "xlstm/base/shape.h"

namespace xlstm {

// The lengths of at most four axes, kept in place: tensors are made at every op.
class TensorShape {
 public:
  static constexpr std::size_t kMostAxes = 4;

  TensorShape() = default;  // a scalar
  TensorShape(std::initializer_list<std::int64_t> lengths);
  // Throws Error(kInternal) for more axes than kMostAxes or a negative length.
  explicit TensorShape(const Shape& lengths);

  std::size_t axes() const { return axes_; }
  std::int64_t operator[](std::size_t axis) const { return lengths_[axis]; }
  std::int64_t last() const { return axes_ == 0 ? 1 : lengths_[axes_ - 1]; }
  std::int64_t elements() const;
  // All elements in rows of last().
  std::int64_t rows() const { return last() == 0 ? 0 : elements() / last(); }
  TensorShape with_last(std::int64_t length) const;

  friend bool operator==(const TensorShape&, const TensorShape&) = default;

 private:
  std::array<std::int64_t, kMostAxes> lengths_{};
  std::size_t axes_ = 0;
};

Shape to_shape(const TensorShape& shape);
std::string to_string(const TensorShape& shape);

// What a backend keeps of a tensor. Each backend has its own, and knows it by its own tensors
// alone.
struct TensorData {
  virtual ~TensorData() = default;
};

// A handle: copies share the data, which nobody changes while there is more than one of them.
class Tensor {
 public:
  Tensor() = default;  // none
  Tensor(TensorShape shape, DType dtype, std::shared_ptr<TensorData> data)
      : shape_(shape), dtype_(dtype), data_(std::move(data)) {}

  explicit operator bool() const { return data_ != nullptr; }
  const TensorShape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  std::int64_t elements() const { return shape_.elements(); }
  std::size_t bytes() const { return static_cast<std::size_t>(elements()) * size_of(dtype_); }
  bool is_shared() const { return data_.use_count() > 1; }
  const std::shared_ptr<TensorData>& data() const { return data_; }

 private:
  TensorShape shape_;
  DType dtype_ = DType::kF32;
  std::shared_ptr<TensorData> data_;
};

}  // namespace xlstm
