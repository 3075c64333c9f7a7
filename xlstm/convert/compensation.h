// The factor of the inputs of a slot, kept while the slot's tensors are converted.
#pragma once

#include <string>
#include <vector>

#include "xlstm/convert/conversion.h"
#include "xlstm/convert/input_moments.h"
#include "xlstm/kernels/quantize/ldl_factor.h"
#include "xlstm/kernels/quantize/quantize.h"

namespace xlstm {

class Compensation {
 public:
  Compensation(ThreadPool& pool, InputMoments* moments)
      : pool_(pool), moments_(moments) {}  // null: nothing is known

  // Null where nothing is known of the inputs.
  const kernels::LdlFactor* factor(const std::string& slot, std::size_t K);

  // Tells what [N, K] a tensor of the slot became.
  void settle(const Conversion& conversion, std::size_t N, std::size_t K,
              const kernels::QuantizedRows& rows);

 private:
  ThreadPool& pool_;
  InputMoments* moments_;
  std::string slot_;
  kernels::LdlFactor factor_;
};

}  // namespace xlstm
