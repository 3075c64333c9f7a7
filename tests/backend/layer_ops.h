// For tests of the ops of sLSTM and first-paper layers.
#pragma once

#include <string_view>

#include "tests/backend/backends.h"
#include "xlstm/base/error.h"

namespace xlstm::testing {

// Whether a backend has them yet.
inline bool has_layer_ops(Backend& b) {
  try {
    b.activate(b.to_activation(b.filled({1, 1}, 0)), Activation::kRelu);
    return true;
  } catch (const Error& error) {
    if (std::string_view(error.what()).find("a backend that has it") != std::string_view::npos) {
      return false;
    }
    throw;
  }
}

}  // namespace xlstm::testing
