// Random tensors of a GPU, for benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "xlstm/backend/backend.h"

namespace xlstm::benchmarks {

// The same tensors in the same order of calls.
class RandomTensors {
 public:
  // `bits` of matrices: 0 for bfloat16, else affine in groups of 64.
  RandomTensors(Backend& backend, int bits) : backend_(backend), bits_(bits) {}

  // Of bfloat16 numbers between 2^-8 and 2^-7, of both signs, whatever their bytes are read as.
  Tensor tensor(const TensorShape& shape, DType dtype) {
    Tensor made = backend_.allocate(shape, dtype, "bench");
    const auto bytes = backend_.writable(made);
    for (std::size_t at = 0; at + 2 <= bytes.size(); at += 2) {
      seed_ = seed_ * 1664525U + 1013904223U;
      const std::uint32_t value = 0x3B80U | (seed_ >> 25) | (seed_ & 0x8000U);
      bytes[at] = static_cast<std::byte>(value & 0xFF);
      bytes[at + 1] = static_cast<std::byte>(value >> 8);
    }
    return made;
  }

  Dense matrix(std::int64_t N, std::int64_t K) {
    if (bits_ == 0) return backend_.prepare(Dense{tensor({N, K}, DType::kBF16), {}});
    const Quantization format = {QuantizationMode::kAffine, bits_, 64};
    return backend_.prepare(
        Dense{QuantizedTensor{tensor({N, quantized_words(format, K)}, DType::kU32),
                              tensor({N, K / 64}, DType::kBF16), tensor({N, K / 64}, DType::kBF16),
                              format},
              {}});
  }

 private:
  Backend& backend_;
  int bits_;
  std::uint32_t seed_ = 1;
};

}  // namespace xlstm::benchmarks
