// linear() by panels, for a few rows of x to some hundred.
#pragma once

#include "xlstm/kernels/linear/linear_args.h"
#include "xlstm/kernels/packed_gemm/panels.h"

namespace xlstm::kernels {

// For weights of this type; x is rounded where linear_rounds_x(type). Sums are to the bit those of
// linear_many_rows(), however many rows. nullptr where nothing is gained by it, or there are no
// instructions for it (kernels/simd/simd.h).
const PanelKernel<LinearArgs>* dense_panels(WeightType type);

}  // namespace xlstm::kernels
