// For GPTQ: the factor of the inverse covariance of a parameter's inputs, computed once and kept
// while the parameter's tensors are converted. Source: Frantar et al. 2023, "GPTQ: Accurate
// Post-Training Quantization for Generative Pre-trained Transformers".
#pragma once

#include <string>
#include <vector>

#include "xlstm/base/thread_pool.h"
#include "xlstm/convert/conversion.h"
#include "xlstm/convert/input_covariance.h"
#include "xlstm/kernels/quantize/ldl_factor.h"
#include "xlstm/kernels/quantize/quantize.h"

namespace xlstm {

class GptqFactors {
 public:
  // `covariance` null: nothing is known.
  GptqFactors(ThreadPool& pool, InputCovariance* covariance)
      : pool_(pool), covariance_(covariance) {}

  ThreadPool& pool() { return pool_; }

  // Of inputs with K columns; null where nothing is known of them. Throws Error(kInternal) where
  // the covariance has another size.
  const kernels::LdlFactor* factor(const std::string& parameter, std::size_t K);

  // Records what the tensor [N, K] became.
  void record_result(const Conversion& conversion, std::size_t N, std::size_t K,
                     const kernels::QuantizedRows& rows);

 private:
  ThreadPool& pool_;
  InputCovariance* covariance_;
  std::string parameter_;
  kernels::LdlFactor factor_;
};

}  // namespace xlstm
