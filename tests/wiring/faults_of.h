// The faults that a model is refused for.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/expect_error.h"
#include "tests/support/fake_source.h"
#include "xlstm/wiring/discover.h"

namespace xlstm::testing {

// One a line, without the frame.
inline std::vector<std::string> faults_of(const FakeSource& source, const std::string& config) {
  const std::string text =
      message_of(ErrorKind::kModel, [&] { discover(config, source, "model"); });
  EXPECT_EQ(text.rfind("[model] this model cannot be run: ", 0), 0u) << text;
  std::vector<std::string> lines;
  for (std::size_t at = text.find("\n  - "); at != std::string::npos;) {
    const std::size_t next = text.find("\n  - ", at + 1);
    lines.push_back(text.substr(at + 5, next == std::string::npos ? next : next - at - 5));
    at = next;
  }
  return lines;
}

}  // namespace xlstm::testing
