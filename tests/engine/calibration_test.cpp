// The text that convert() calibrates with, before any of it is read.
#include "xlstm/engine/calibration.h"

#include <gtest/gtest.h>

#include "tests/generate/classics.h"

namespace xlstm {
namespace {

struct Stopped {};

TEST(Calibration, CanBeStoppedWhileItsTextIsTokenised) {
  const std::string text = test::book("alice.txt");
  int asked = 0;
  CalibrationOptions options = {.device = "cpu"};
  options.on_step = [&] {
    if (++asked == 2) throw Stopped();
  };
  EXPECT_THROW(calibrate_with(test::classics_folder(), text, "alice", options), Stopped);
  EXPECT_EQ(asked, 2);
}

}  // namespace
}  // namespace xlstm
