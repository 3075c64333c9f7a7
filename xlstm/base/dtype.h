// Element types of tensors in files and in memory, by safetensors' names.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace xlstm {

enum class DType { kBool, kU8, kI8, kU16, kI16, kU32, kI32, kU64, kI64, kF16, kBF16, kF32, kF64 };

// Size of one element in bytes.
std::size_t size_of(DType dtype);

// "F32", "BF16", ... and back; nullopt for a name we do not know.
std::string_view name_of(DType dtype);
std::optional<DType> dtype_from_name(std::string_view name);

inline bool is_float(DType dtype) {
  return dtype >= DType::kF16;
}

// bfloat16 bits <-> float32; rounds to nearest even, keeps NaN a NaN.
inline float float_from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}
std::uint16_t bf16_from_float(float value);

// IEEE half bits <-> float32; the way back rounds to nearest even, beyond 65504 to infinity, and
// keeps NaN a NaN.
float float_from_f16(std::uint16_t bits);
std::uint16_t f16_from_float(float value);

}  // namespace xlstm
