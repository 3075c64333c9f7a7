#include "xlstm/base/home_folder.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace xlstm {
namespace {

// Puts a variable back when it goes.
class Kept {
 public:
  explicit Kept(const char* name) : name_(name) {
    if (const char* value = std::getenv(name)) before_ = value;
  }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() {
    if (before_) {
      ::setenv(name_, before_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

class HomeFolder : public ::testing::Test {
  const Kept home_{"HOME"}, caches_{"XDG_CACHE_HOME"};
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

TEST_F(HomeFolder, CachesLieWhereTheVariableSaysElseInIt) {
  ::setenv("HOME", "/some/home", 1);
  ::setenv("XDG_CACHE_HOME", "/some/caches", 1);
  EXPECT_EQ(user_cache_folder(), "/some/caches");
  ::setenv("XDG_CACHE_HOME", "caches", 1);  // the standard says: to be ignored
  EXPECT_EQ(user_cache_folder(), "/some/home/.cache");
  ::unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(user_cache_folder(), "/some/home/.cache");
}

}  // namespace
}  // namespace xlstm
