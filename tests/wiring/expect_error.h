// The message of the Error that a call throws.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "xlstm/base/error.h"

namespace xlstm::testing {

template <typename Call>
std::string message_of(ErrorKind kind, const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.kind()), static_cast<int>(kind)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return {};
}

}  // namespace xlstm::testing
