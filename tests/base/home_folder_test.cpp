#include "xlstm/base/home_folder.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace xlstm {
namespace {

// Puts HOME back when it goes.
class HomeFolder : public ::testing::Test {
 protected:
  HomeFolder() {
    if (const char* home = std::getenv("HOME")) before_ = home;
  }
  ~HomeFolder() override {
    if (before_) {
      ::setenv("HOME", before_->c_str(), 1);
    } else {
      ::unsetenv("HOME");
    }
  }

 private:
  std::optional<std::string> before_;
};

TEST_F(HomeFolder, IsThatOfTheVariable) {
  ::setenv("HOME", "/some/home", 1);
  EXPECT_EQ(home_folder(), "/some/home");
}

TEST_F(HomeFolder, WithoutTheVariableIsThatOfThePasswordDatabase) {
  const passwd* user = ::getpwuid(::getuid());
  const std::string known = user == nullptr ? "" : user->pw_dir;
  ::setenv("HOME", "", 1);
  EXPECT_EQ(home_folder(), known);
  ::unsetenv("HOME");
  EXPECT_EQ(home_folder(), known);
}

TEST_F(HomeFolder, OfRootIsKnownAndOfNobodyIsNone) {
  EXPECT_FALSE(home_folder_of(0).empty());
  constexpr uid_t kNobody = 3'999'999'999;
  EXPECT_TRUE(home_folder_of(kNobody).empty());
}

}  // namespace
}  // namespace xlstm
