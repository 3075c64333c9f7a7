// What tests of single ops share: a backend of each kind, and numbers of its activations' type.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "tests/backend/backends.h"
#include "xlstm/base/floats.h"

namespace xlstm::testing {

inline std::size_t length(std::int64_t axis) {
  return static_cast<std::size_t>(axis);
}

class OpTest : public ::testing::TestWithParam<BackendCase> {
 protected:
  OpTest() : backend_(GetParam().make()), b(*backend_) {}

  // A tensor of the activations' type, whose numbers that type can hold.
  Tensor activations(const TensorShape& shape, std::vector<float>& values) {
    if (!GetParam().is_float32()) {
      for (float& x : values) x = float_from_bf16(bf16_from_float(x));
    }
    return b.to_activation(b.floats(shape, values));
  }

  // Of one rounding of a result: float32's, or that of the activations.
  double eps() const { return GetParam().is_float32() ? 0x1p-23 : 0x1p-8; }

  std::shared_ptr<Backend> backend_;
  Backend& b;
};

}  // namespace xlstm::testing
