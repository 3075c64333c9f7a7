#include "xlstm/base/error.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "xlstm/base/utf8.h"

namespace xlstm {
namespace {

TEST(Error, SaysWhereWantedAndGot) {
  try {
    fail_wanted(ErrorKind::kUsage, "--top-p", "0 to 1", "7");
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "[--top-p] wanted 0 to 1, got 7");
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  }
  expect_error(ErrorKind::kFile, {"[a/b] gone"}, [] { fail(ErrorKind::kFile, "a/b", "gone"); });
}

TEST(Error, JoinsValues) {
  EXPECT_EQ(str("block ", 3, " of ", 4U, '!'), "block 3 of 4!");
}

TEST(Quoted, ShowsTextAndEscapesTheRest) {
  EXPECT_EQ(quoted("plain"), "\"plain\"");
  EXPECT_EQ(quoted(""), "\"\"");
  EXPECT_EQ(quoted("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(quoted("\x1b[31m\n\x7f"), R"("\x1b[31m\x0a\x7f")");
  EXPECT_EQ(quoted("\xc2\x9b[31m\xc2\xa0"), "\"\\xc2\\x9b[31m\xc2\xa0\"");
  EXPECT_EQ(quoted(std::string_view("\0", 1)), R"("\x00")");
  EXPECT_EQ(quoted("é€😀"), "\"é€😀\"");
  EXPECT_EQ(quoted("\xff\xc3"), R"("\xff\xc3")");
}

TEST(Quoted, IsShortAndWellFormedWhateverItIsGiven) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += i % 3 == 0 ? "€" : "\xfe";
  const std::string shown = quoted(text);
  EXPECT_LE(shown.size(), 400U);
  EXPECT_EQ(utf8_first_error(shown), std::string::npos);
  EXPECT_TRUE(shown.ends_with("\"..."));
}

}  // namespace
}  // namespace xlstm
