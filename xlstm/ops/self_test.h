// The ops against the float64 references, on the machine and device at hand. `xlstm doctor` shows
// it.
#pragma once

#include <string>
#include <vector>

namespace xlstm::ops {

struct SelfTestResult {
  std::string name;
  double error = 0;  // largest difference over largest value
  double bound = 0;  // what rounding allows
  bool ok() const { return error <= bound; }
};

// A second or less; uses MLX's default device. `tf32`: bounds allow for products that are rounded
// to TF32. Throws what the device throws.
std::vector<SelfTestResult> self_test(bool tf32);
// The same, with the bounds for how the device multiplies (gpu_products.h).
std::vector<SelfTestResult> self_test();

}  // namespace xlstm::ops
