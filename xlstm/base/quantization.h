// How the rows of a matrix are quantised. The layouts are MLX's own, so that one file runs on every
// device: https://ml-explore.github.io/mlx/build/html/python/_autosummary/mlx.core.quantize.html
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xlstm {

// kAffine: w = scale * q + bias, q an unsigned whole number of `bits` bits; scale and bias a pair
//   for each group, of the type that the weights had.
// kMxfp4:  w = 2^(scale - 127) * q, q an E2M1 float of 4 bits; scale a uint8 for each group (OCP
//   Microscaling Formats 1.0).
enum class QuantizationMode : std::uint8_t { kAffine, kMxfp4 };

// A matrix [N, K] in this format is
//   words  [N, K * bits / 32] uint32: row by row a stream of bits, least significant first,
//   scales [N, K / group_size], and for kAffine biases [N, K / group_size].
struct Quantization {
  QuantizationMode mode = QuantizationMode::kAffine;
  int bits = 4;         // kAffine: 2, 3, 4, 5, 6 or 8; kMxfp4: 4
  int group_size = 64;  // elements of a row that share a scale. kAffine: 32, 64, 128; kMxfp4: 32

  bool operator==(const Quantization&) const = default;
};

bool is_supported(const Quantization& q);

// The modes by MLX's names: "affine", "mxfp4".
std::string_view name_of(QuantizationMode mode);
std::optional<QuantizationMode> quantization_mode_from_name(std::string_view name);

std::string to_string(const Quantization& q);   // "affine, 4 bits, groups of 64"
std::string short_name(const Quantization& q);  // "4-bit/64", "mxfp4": for tables

// Words of a row of K elements; K is a multiple of the group size.
constexpr std::int64_t quantized_words(const Quantization& q, std::int64_t K) {
  return K * q.bits / 32;
}

}  // namespace xlstm
