#include "xlstm/convert/gptq_factors.h"

#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/kernels/quantized_linear/quantized_linear.h"

namespace xlstm {

const kernels::LdlFactor* GptqFactors::factor(const std::string& parameter, std::size_t K) {
  if (covariance_ == nullptr) return nullptr;
  if (parameter != parameter_) {
    parameter_ = parameter;
    factor_ = {};
    std::vector<float> covariance = covariance_->covariance(parameter);
    if (!covariance.empty() && covariance.size() != K * K) {
      fail_wanted(ErrorKind::kInternal, parameter, str("covariance of ", K, " columns"),
                  str(covariance.size(), " numbers"));
    }
    if (!covariance.empty()) factor_ = kernels::factor_moments(pool_, std::move(covariance), K);
  }
  return factor_.K == 0 ? nullptr : &factor_;
}

void GptqFactors::record_result(const Conversion& conversion, std::size_t N, std::size_t K,
                                const kernels::QuantizedRows& rows) {
  if (covariance_ == nullptr) return;
  const kernels::QuantizedMatrix W = {*conversion.format, rows.words, rows.scales, rows.biases,
                                      rows.scale_type};
  std::vector<float> values(N * K);
  pool_.parallel_for(
      N, [&](std::size_t n) { kernels::dequantize_row(W, n, K, values.data() + n * K); });
  covariance_->record_result(conversion.parameter, values);
}

}  // namespace xlstm
