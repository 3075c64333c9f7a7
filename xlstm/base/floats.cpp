#include "xlstm/base/floats.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

template <typename T>
T read_as(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// One loop a type, so that compilers see through `convert`.
template <typename T, typename Convert>
void read_all(const std::byte* from, std::size_t count, float* to, const Convert& convert) {
  for (std::size_t i = 0; i < count; ++i) to[i] = convert(read_as<T>(from + i * sizeof(T)));
}

template <typename T, typename Convert>
void write_all(const float* from, std::size_t count, std::byte* to, const Convert& convert) {
  for (std::size_t i = 0; i < count; ++i) {
    const T value = convert(from[i]);
    std::memcpy(to + i * sizeof(T), &value, sizeof value);
  }
}

// The least that is rounded to infinity: half a step beyond the largest number.
float end_of(DType type) {
  if (type == DType::kF16) return 65520.0F;
  if (type == DType::kBF16) return 0x1.FFp127F;
  return std::numeric_limits<float>::infinity();
}

}  // namespace

void floats_from(const std::byte* from, DType type, std::size_t count, float* to) {
  switch (type) {
    case DType::kF32:
      std::memcpy(to, from, count * sizeof(float));
      return;
    case DType::kBF16:
      return read_all<std::uint16_t>(from, count, to, float_from_bf16);
    case DType::kF16:
      return read_all<std::uint16_t>(from, count, to, float_from_f16);
    case DType::kF64:
      return read_all<double>(from, count, to, [](double x) { return static_cast<float>(x); });
    default:
      fail(ErrorKind::kInternal, "floats", str("no conversion from ", name_of(type)));
  }
}

void floats_to(const float* from, std::size_t count, DType type, std::byte* to) {
  switch (type) {
    case DType::kF32:
      std::memcpy(to, from, count * sizeof(float));
      return;
    case DType::kBF16:
      return write_all<std::uint16_t>(from, count, to, bf16_from_float);
    case DType::kF16:
      return write_all<std::uint16_t>(from, count, to, f16_from_float);
    default:
      fail(ErrorKind::kInternal, "floats", str("no conversion to ", name_of(type)));
  }
}

std::size_t first_not_finite(const float* values, std::size_t count, DType type) {
  const float end = end_of(type);
  for (std::size_t i = 0; i < count; ++i) {
    if (!(std::abs(values[i]) < end)) return i;  // NaN is not below it
  }
  return count;
}

}  // namespace xlstm
