// What a GPU can do right now, measured: the yardsticks of benchmarks.
#pragma once

#include "xlstm/backend/device_rates.h"
#include "xlstm/cuda/products.h"
#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda {

// Takes some 30 ms, and 3 x 256 MiB of the GPU's memory while it runs. `products`: of the library,
// or none: no rates of products then.
DeviceRates measured_rates(Workspace& work, Products* products);

// Copies alone: some 5 ms.
double measured_copy(Workspace& work);

}  // namespace xlstm::cuda
