// What the products with weights of a forecast take.
#pragma once

#include <cstdint>

#include "xlstm/wiring/plan.h"

namespace xlstm {

// Rows that are read for a forecast (targets and covariates), each of so many tokens.
struct ForecastWork {
  std::int64_t rows = 1;
  std::int64_t mixed = 0;  // of these, such of samples of several rows, which TiRex-2 mixes
  std::int64_t known = 0;  // of these, such that TiRex-2 reads backwards, too: known ahead
  std::int64_t tokens = 1;
};

// Multiplications and additions, without the head's, which reads the forecast tokens alone.
double product_operations(const Plan& plan, const ForecastWork& work);

// Of the model's parameters, those that such a forecast reads; in (0, 1].
double share_of_weights_read(const Plan& plan, const ForecastWork& work);

}  // namespace xlstm
