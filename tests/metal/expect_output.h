// Kernels as they should be: each gives what the definition in float64 gives, in both builds and in
// any order, no fault is reported, and the second opinion agrees.
#pragma once

#include <gtest/gtest.h>

#include "tests/metal/test_kernel.h"

namespace xlstm::metal_emulator {

inline void expect_near(const std::vector<double>& wanted, const mx::array& got, double tolerance) {
  const std::vector<double> values = values_of(got);
  ASSERT_EQ(wanted.size(), values.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    ASSERT_NEAR(wanted[i], values[i], tolerance) << "at " << i;
  }
}

// The kernel's first output; plain, in another order and without denormals, checked, and checked
// with permuted matrices.
inline void expect_output(const std::vector<double>& wanted, const TestKernel& kernel,
                          const std::vector<mx::array>& inputs, double tolerance) {
  const std::vector<Options> all{{},
                                 {.seed = 3, .flush_denormals = true},
                                 {.checked = true},
                                 {.checked = true, .seed = 7, .permute_matrices = true}};
  for (const Options& options : all) {
    expect_near(wanted, run(kernel.launch(), inputs, options)[0], tolerance);
  }
  if (!check_missing().empty()) return;
  EXPECT_NO_THROW(check(kernel.launch(), inputs));
}

}  // namespace xlstm::metal_emulator
