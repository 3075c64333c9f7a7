// Kernels that have a fault on purpose. What a report has to hold is the kind of the fault and the
// line.
#pragma once

#include <gtest/gtest.h>

#include "tests/metal/test_kernel.h"
#include "tests/support/expect_error.h"

namespace xlstm::metal_emulator {

constexpr Options kChecked{.checked = true};

inline mx::array input() {
  return random_array({64}, 1);
}

inline void expect_fault(const TestKernel& kernel, const std::vector<std::string>& pieces,
                         const Options& options = kChecked) {
  expect_error(ErrorKind::kInternal, pieces, [&] { run(kernel.launch(), {input()}, options); });
}

// What a kernel gives in a run that checks no access.
inline std::vector<double> values_unchecked(const TestKernel& kernel, unsigned seed = 0) {
  return values_of(run(kernel.launch(), {input()}, {.seed = seed})[0]);
}

}  // namespace xlstm::metal_emulator
