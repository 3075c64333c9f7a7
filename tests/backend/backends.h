// Backends for tests that run through all of them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "xlstm/backend/backend.h"

namespace xlstm::testing {

struct BackendCase {
  const char* name;  // as tests are called by it
  DType activations;
  std::shared_ptr<Backend> (*make)();

  bool is_float32() const { return activations == DType::kF32; }
};

inline void PrintTo(const BackendCase& each, std::ostream* out) {
  *out << each.name;
}

// Those that this test program goes through: backends.cpp has the ones that this machine has;
// tests/metal/emulated_backends.cpp, for programs of the same tests, emulated ones.
std::vector<BackendCase> all_backends();

inline std::vector<BackendCase> float32_backends() {
  std::vector<BackendCase> cases;
  for (const BackendCase& each : all_backends()) {
    if (each.is_float32()) cases.push_back(each);
  }
  return cases;
}

inline std::string backend_name(const ::testing::TestParamInfo<BackendCase>& info) {
  return info.param.name;
}

inline std::vector<float> values_of(Backend& b, const Tensor& tensor) {
  const Tensor in_float32 = tensor.dtype() == DType::kF32 ? tensor : b.to_float32(tensor);
  const auto values = b.read_floats(in_float32);
  return {values.begin(), values.end()};
}

}  // namespace xlstm::testing
