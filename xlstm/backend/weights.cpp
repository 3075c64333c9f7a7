#include "xlstm/backend/weights.h"

namespace xlstm {

std::uint64_t bytes_of(const WeightTensor& weight) {
  if (const auto* dense = std::get_if<Tensor>(&weight)) return dense->bytes();
  const auto& quantized = std::get<QuantizedTensor>(weight);
  return quantized.words.bytes() + quantized.scales.bytes() +
         (quantized.biases ? quantized.biases.bytes() : 0);
}

}  // namespace xlstm
