// Expects an Error of a kind whose message has all the pieces given.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "xlstm/base/error.h"

namespace xlstm {

template <typename Action>
void expect_error(ErrorKind kind, const std::vector<std::string>& pieces, const Action& action) {
  try {
    action();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    for (const std::string& piece : pieces) {
      EXPECT_THAT(std::string(error.what()), testing::HasSubstr(piece));
    }
    EXPECT_LT(std::string(error.what()).size(), 2000U) << "too long to read";
  }
}

}  // namespace xlstm
