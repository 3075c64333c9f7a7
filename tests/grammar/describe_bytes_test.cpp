#include "xlstm/grammar/describe_bytes.h"

#include <gtest/gtest.h>

#include <string_view>

namespace xlstm::grammar {
namespace {

std::bitset<256> set_of(std::string_view text) {
  std::bitset<256> bytes;
  for (const char c : text) bytes.set(static_cast<unsigned char>(c));
  return bytes;
}

TEST(DescribeBytes, SaysThemInWords) {
  EXPECT_EQ(describe_bytes({}, false), "nothing");
  EXPECT_EQ(describe_bytes({}, true), "the end");
  EXPECT_EQ(describe_bytes(set_of("0123456789,]"), false), "a digit, ',' or ']'");
  EXPECT_EQ(describe_bytes(set_of("0123456789"), true), "a digit or the end");
  EXPECT_EQ(describe_bytes(set_of("abcdefghijklmnopqrstuvwxyz "), false),
            "a small letter or a space");
  EXPECT_EQ(describe_bytes(set_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), false), "a capital letter");
  EXPECT_EQ(describe_bytes(set_of("abcdef78"), false), "'7', '8' or 'a' to 'f'");
  EXPECT_EQ(describe_bytes(set_of("\n\t\r\f"), false),
            "a line end, a carriage return, a tab or a control character");
  EXPECT_EQ(describe_bytes(set_of("\x80\xBF"), false), "the rest of a character");
  EXPECT_EQ(describe_bytes(set_of("\xC3\xE2"), false), "a character beyond ASCII");
  EXPECT_EQ(describe_bytes(~std::bitset<256>() & ~set_of("\"\\"), false),
            "a visible character other than '\"' or '\\', a space, a line end, a carriage "
            "return, a tab, a control character or a character beyond ASCII");
  EXPECT_EQ(describe_bytes(set_of("~}|{z"), false), "'z' to '~'");
}

}  // namespace
}  // namespace xlstm::grammar
