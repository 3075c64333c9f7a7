#include "xlstm/base/quantization.h"

#include "xlstm/base/error.h"

namespace xlstm {

bool is_supported(const Quantization& q) {
  if (q.mode == QuantizationMode::kMxfp4) return q.bits == 4 && q.group_size == 32;
  const bool bits = q.bits >= 2 && q.bits <= 8 && q.bits != 7;
  return bits && (q.group_size == 32 || q.group_size == 64 || q.group_size == 128);
}

std::string to_string(const Quantization& q) {
  const char* mode = q.mode == QuantizationMode::kMxfp4 ? "mxfp4" : "affine";
  return str(mode, ", ", q.bits, " bits, groups of ", q.group_size);
}

}  // namespace xlstm
