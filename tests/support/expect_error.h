// Expects an Error of a kind.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "xlstm/base/error.h"

namespace xlstm {

// Its message; a failure and "" where nothing is thrown.
template <typename Action>
std::string message_of(ErrorKind kind, const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.kind()), static_cast<int>(kind)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

// Its message has all the pieces given.
template <typename Action>
void expect_error(ErrorKind kind, const std::vector<std::string>& pieces, const Action& action) {
  const std::string message = message_of(kind, action);
  for (const std::string& piece : pieces) EXPECT_THAT(message, ::testing::HasSubstr(piece));
  EXPECT_LT(message.size(), 2000U) << "too long to read";
}

}  // namespace xlstm
