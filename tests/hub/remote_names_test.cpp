#include "xlstm/hub/remote_names.h"

#include <gtest/gtest.h>

namespace xlstm {
namespace {

TEST(RemoteNames, PathsStayBelowTheirFolder) {
  for (const char* good :
       {"config.json", "a/b.json", ".gitattributes", "a b.txt", "..a", "a..b", "\xc3\xa4"}) {
    EXPECT_TRUE(is_safe_path(good)) << good;
  }
  for (const char* bad :
       {"", "/", "/etc/passwd", "..", "../a", "a/../b", "a/..", ".", "./a", "a/./b", "a//b", "a/",
        "a\\b", "..\\a", "a\nb", "a\x7f", "a\xc2\x9b", "a\xff"}) {
    EXPECT_FALSE(is_safe_path(bad)) << bad;
  }
  EXPECT_FALSE(is_safe_path(std::string_view("a\0b", 3)));
  EXPECT_FALSE(is_safe_path(std::string(300, 'x')));
  std::string deep = "a";
  for (int i = 0; i < 600; ++i) deep += "/a";
  EXPECT_FALSE(is_safe_path(deep));
}

TEST(RemoteNames, ACommitHas40Digits) {
  EXPECT_TRUE(is_commit("0123456789abcdef0123456789abcdef01234567"));
  EXPECT_FALSE(is_commit("0123456789ABCDEF0123456789abcdef01234567"));
  EXPECT_FALSE(is_commit("0123456789abcdef0123456789abcdef0123456"));
  EXPECT_FALSE(is_commit("main"));
}

TEST(RemoteNames, AnEtagLosesItsQuotes) {
  EXPECT_EQ(etag_of("\"abc\""), "abc");
  EXPECT_EQ(etag_of("W/\"abc\""), "abc");
  EXPECT_EQ(etag_of("abc"), "abc");
  EXPECT_EQ(etag_of(""), "");
  EXPECT_EQ(etag_of("\""), "");
}

}  // namespace
}  // namespace xlstm
