// A backend's ops against the float64 references, on the machine and device at hand: all that a
// device may have kernels of its own for. `xlstm doctor` shows it.
#pragma once

#include <vector>

#include "xlstm/backend/backend.h"
#include "xlstm/engine/doctor.h"

namespace xlstm {

// A second or two, and where kernels are compiled when they are first used, as long as that takes.
// `tf32`: bounds allow for products that are rounded to TF32 (mlx/float32_products.h). Throws what
// the device throws.
std::vector<CheckResult> self_test(Backend& backend, bool tf32);

}  // namespace xlstm
