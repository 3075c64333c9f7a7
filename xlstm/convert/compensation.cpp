#include "xlstm/convert/compensation.h"

#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/kernels/quantized_linear/quantized_linear.h"

namespace xlstm {

const kernels::LdlFactor* Compensation::factor(const std::string& slot, std::size_t K) {
  if (moments_ == nullptr) return nullptr;
  if (slot != slot_) {
    slot_ = slot;
    factor_ = {};
    std::vector<float> moments = moments_->of(slot);
    if (!moments.empty() && moments.size() != K * K) {
      fail_wanted(ErrorKind::kInternal, slot, str("moments of ", K, " columns"),
                  str(moments.size(), " numbers"));
    }
    if (!moments.empty()) factor_ = kernels::factor_moments(pool_, std::move(moments), K);
  }
  return factor_.K == 0 ? nullptr : &factor_;
}

void Compensation::settle(const Conversion& conversion, std::size_t N, std::size_t K,
                          const kernels::QuantizedRows& rows) {
  if (moments_ == nullptr) return;
  const kernels::QuantizedMatrix W = {*conversion.format, rows.words, rows.scales, rows.biases,
                                      rows.scale_type};
  std::vector<float> values(N * K);
  pool_.parallel_for(
      N, [&](std::size_t n) { kernels::dequantize_row(W, n, K, values.data() + n * K); });
  moments_->settle(conversion.slot, values);
}

}  // namespace xlstm
