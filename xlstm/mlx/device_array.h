// Formulas on MLX arrays of a given device. MLX's own operators compute on the process's default
// device, which is not ours to change.
#pragma once

#include <utility>
#include <vector>

#include "mlx/array.h"
#include "mlx/ops.h"

namespace xlstm::mlx {

namespace mx = ::mlx::core;

// An array with the device that computes what is made of it.
struct DeviceArray {
  mx::array array;
  mx::Device device;

  int axis(int index) const { return array.shape(index); }
};

using A = const DeviceArray&;

inline DeviceArray operator+(A a, A b) {
  return {mx::add(a.array, b.array, a.device), a.device};
}
inline DeviceArray operator-(A a, A b) {
  return {mx::subtract(a.array, b.array, a.device), a.device};
}
inline DeviceArray operator*(A a, A b) {
  return {mx::multiply(a.array, b.array, a.device), a.device};
}
inline DeviceArray operator/(A a, A b) {
  return {mx::divide(a.array, b.array, a.device), a.device};
}
inline DeviceArray operator-(A a) {
  return {mx::negative(a.array, a.device), a.device};
}

// A number of a's type.
inline DeviceArray operator+(A a, float b) {
  return a + DeviceArray{mx::array(b, a.array.dtype()), a.device};
}
inline DeviceArray operator*(A a, float b) {
  return a * DeviceArray{mx::array(b, a.array.dtype()), a.device};
}
inline DeviceArray operator/(A a, float b) {
  return a / DeviceArray{mx::array(b, a.array.dtype()), a.device};
}

inline DeviceArray exp(A a) {
  return {mx::exp(a.array, a.device), a.device};
}
inline DeviceArray log(A a) {
  return {mx::log(a.array, a.device), a.device};
}
inline DeviceArray log1p(A a) {
  return {mx::log1p(a.array, a.device), a.device};
}
inline DeviceArray abs(A a) {
  return {mx::abs(a.array, a.device), a.device};
}
inline DeviceArray tanh(A a) {
  return {mx::tanh(a.array, a.device), a.device};
}
inline DeviceArray sigmoid(A a) {
  return {mx::sigmoid(a.array, a.device), a.device};
}
inline DeviceArray square(A a) {
  return {mx::square(a.array, a.device), a.device};
}
inline DeviceArray rsqrt(A a) {
  return {mx::rsqrt(a.array, a.device), a.device};
}
inline DeviceArray erf(A a) {
  return {mx::erf(a.array, a.device), a.device};
}
// `yes` where the condition holds, else `no`.
inline DeviceArray where(const mx::array& condition, A yes, A no) {
  return {mx::where(condition, yes.array, no.array, yes.device), yes.device};
}
inline DeviceArray where(const mx::array& condition, float yes, A no) {
  return where(condition, {mx::array(yes, no.array.dtype()), no.device}, no);
}
inline DeviceArray maximum(A a, A b) {
  return {mx::maximum(a.array, b.array, a.device), a.device};
}
inline DeviceArray maximum(A a, float b) {
  return maximum(a, {mx::array(b, a.array.dtype()), a.device});
}
inline DeviceArray minimum(A a, float b) {
  return {mx::minimum(a.array, mx::array(b, a.array.dtype()), a.device), a.device};
}
inline DeviceArray matmul(A a, A b) {
  return {mx::matmul(a.array, b.array, a.device), a.device};
}
inline DeviceArray swap_last_axes(A a) {
  return {mx::swapaxes(a.array, -1, -2, a.device), a.device};
}
inline DeviceArray swapaxes(A a, int axis, int other) {
  return {mx::swapaxes(a.array, axis, other, a.device), a.device};
}
inline DeviceArray transpose(A a, std::vector<int> axes) {
  return {mx::transpose(a.array, std::move(axes), a.device), a.device};
}
inline DeviceArray join(std::vector<mx::array> parts, int axis, mx::Device device) {
  return {mx::concatenate(std::move(parts), axis, device), device};
}
inline DeviceArray reshape(A a, mx::Shape shape) {
  return {mx::reshape(a.array, std::move(shape), a.device), a.device};
}
inline DeviceArray as_type(A a, mx::Dtype dtype) {
  return {mx::astype(a.array, dtype, a.device), a.device};
}
// [..., N] -> [..., N, 1] and [..., 1, N]
inline DeviceArray column(A a) {
  return {mx::expand_dims(a.array, -1, a.device), a.device};
}
inline DeviceArray row(A a) {
  return {mx::expand_dims(a.array, -2, a.device), a.device};
}
inline DeviceArray squeeze(A a, int axis) {
  return {mx::squeeze(a.array, axis, a.device), a.device};
}
// Over one axis.
inline DeviceArray sum(A a, int axis, bool keep = false) {
  return {mx::sum(a.array, axis, keep, a.device), a.device};
}
inline DeviceArray mean(A a, int axis, bool keep = false) {
  return {mx::mean(a.array, axis, keep, a.device), a.device};
}
// [begin, end) of one axis.
inline DeviceArray part(A a, int axis, int begin, int end) {
  mx::Shape start(a.array.ndim(), 0), stop = a.array.shape();
  start[static_cast<std::size_t>(axis)] = begin;
  stop[static_cast<std::size_t>(axis)] = end;
  return {mx::slice(a.array, std::move(start), std::move(stop), a.device), a.device};
}

}  // namespace xlstm::mlx
