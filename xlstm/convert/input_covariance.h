// The covariance of what a model's matrices multiply with, by which GPTQ rounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace xlstm {

// convert() asks for one matrix after the other, in the order in which data passes, and records
// what each became before it asks for the next.
class InputCovariance {
 public:
  virtual ~InputCovariance() = default;

  // The mean of x x^T [K, K] (the uncentred covariance) over inputs x of the matrix that is this
  // parameter ("blocks.0.ffn.down.weight"), or an estimate of it; empty where none is known.
  virtual std::vector<float> covariance(const std::string& parameter) = 0;

  // Upper bound of the bytes that this holds while convert() works on the parameter, without
  // convert()'s own.
  virtual std::uint64_t bytes_for(const std::string& /*parameter*/) const { return 0; }

  // The next rows [n, K] of the parameter last asked for, dequantised from what is written.
  virtual void record_result(const std::string& parameter, std::span<const float> values) = 0;
};

}  // namespace xlstm
