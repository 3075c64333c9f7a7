#include "xlstm/base/quantization.h"

#include "xlstm/base/error.h"

namespace xlstm {

bool is_supported(const Quantization& q) {
  if (q.mode == QuantizationMode::kMxfp4) return q.bits == 4 && q.group_size == 32;
  const bool bits = q.bits >= 2 && q.bits <= 8 && q.bits != 7;
  return bits && (q.group_size == 32 || q.group_size == 64 || q.group_size == 128);
}

std::string_view name_of(QuantizationMode mode) {
  return mode == QuantizationMode::kMxfp4 ? "mxfp4" : "affine";
}

std::optional<QuantizationMode> quantization_mode_from_name(std::string_view name) {
  for (const QuantizationMode mode : {QuantizationMode::kAffine, QuantizationMode::kMxfp4}) {
    if (name == name_of(mode)) return mode;
  }
  return std::nullopt;
}

std::string to_string(const Quantization& q) {
  return str(name_of(q.mode), ", ", q.bits, " bits, groups of ", q.group_size);
}

std::string short_name(const Quantization& q) {
  if (q.mode == QuantizationMode::kMxfp4) return std::string(name_of(q.mode));
  return str(q.bits, "-bit/", q.group_size);
}

}  // namespace xlstm
