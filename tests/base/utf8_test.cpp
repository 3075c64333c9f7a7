#include "xlstm/base/utf8.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

namespace xlstm {
namespace {

// UTF-8 by its arithmetic: an encoding is right if encoding its value again gives it back.
std::string encoded(std::uint32_t point) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xC0 | point >> 6), byte(0x80 | (point & 63))};
  if (point < 0x10000) {
    return {byte(0xE0 | point >> 12), byte(0x80 | (point >> 6 & 63)), byte(0x80 | (point & 63))};
  }
  return {byte(0xF0 | point >> 18), byte(0x80 | (point >> 12 & 63)), byte(0x80 | (point >> 6 & 63)),
          byte(0x80 | (point & 63))};
}

bool is_scalar(std::uint32_t point) {
  return point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
}

// Length of the well-formed sequence at the start of `text`, found by trying.
std::size_t length_by_definition(const std::string& text) {
  for (std::size_t length = 1; length <= 4 && length <= text.size(); ++length) {
    const std::uint32_t masks[] = {0x7F, 0x1F, 0x0F, 0x07};
    std::uint32_t point = static_cast<std::uint8_t>(text[0]) & masks[length - 1];
    for (std::size_t i = 1; i < length; ++i) point = point << 6 | (text[i] & 63);
    if (is_scalar(point) && encoded(point) == text.substr(0, length)) return length;
  }
  return 0;
}

TEST(Utf8, KnowsEveryCodePoint) {
  for (std::uint32_t point = 0; point < 0x120000; ++point) {
    const std::string text = encoded(point);
    const std::size_t wanted = is_scalar(point) ? text.size() : 0;
    ASSERT_EQ(utf8_sequence_length(text), wanted) << point;
    ASSERT_EQ(utf8_first_error(text), wanted == 0 ? 0 : std::string::npos) << point;
  }
}

TEST(Utf8, KnowsEverySequenceOfThreeBytes) {
  for (std::uint32_t lead = 0; lead < 256; ++lead) {
    // Every second byte, and third bytes from each range there is.
    for (std::uint32_t second = 0; second < 256; ++second) {
      for (const int third : {0x00, 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF}) {
        const std::string text = {static_cast<char>(lead), static_cast<char>(second),
                                  static_cast<char>(third)};
        ASSERT_EQ(utf8_sequence_length(text), length_by_definition(text))
            << lead << ' ' << second << ' ' << third;
      }
    }
  }
}

TEST(Utf8, FindsTheFirstError) {
  EXPECT_EQ(utf8_first_error(""), std::string::npos);
  EXPECT_EQ(utf8_first_error("aé€😀"), std::string::npos);
  EXPECT_EQ(utf8_first_error("aé\xff"), 3U);
  EXPECT_EQ(utf8_first_error("ab\xe2\x82"), 2U);
}

TEST(Utf8, CompletePrefixHoldsBackOnlyWhatCanStillBecomeACharacter) {
  const std::string text = "é€😀x";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    const std::string part = text.substr(0, length);
    std::size_t whole = 0;  // the last border between characters
    for (std::size_t at = 0; at < length;) {
      at += utf8_sequence_length(std::string_view(text).substr(at));
      if (at <= length) whole = at;
    }
    EXPECT_EQ(utf8_complete_prefix(part), whole) << length;
  }
  for (const char* broken : {"a\xff", "\x80", "\xc0", "\xe0\x80", "\xed\xa0", "\xf4\x90", "\xf5"}) {
    EXPECT_EQ(utf8_complete_prefix(broken), std::string_view(broken).size());
  }
}

TEST(Utf8, RepairsAsTheStandardRecommends) {
  const std::string mark = "\xef\xbf\xbd";
  EXPECT_EQ(utf8_repaired("aé€😀"), "aé€😀");
  // The Unicode Standard 15, tables 3-8 to 3-11.
  EXPECT_EQ(utf8_repaired("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41"),
            mark + mark + mark + mark + mark + mark + mark + mark + "A");
  EXPECT_EQ(utf8_repaired("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41"),
            mark + mark + mark + mark + mark + mark + mark + mark + "A");
  EXPECT_EQ(utf8_repaired("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42"),
            mark + mark + mark + mark + mark + "A" + mark + mark + "B");
  EXPECT_EQ(utf8_repaired("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"), mark + mark + mark + mark + "A");
}

TEST(Utf8, WhatIsRepairedIsWellFormed) {
  std::mt19937 random(7);
  for (int time = 0; time < 20'000; ++time) {
    std::string text;
    for (unsigned i = random() % 12; i > 0; --i) {
      text += static_cast<char>(random() % 2 == 0 ? random() : 0xE0 | random() % 32);
    }
    ASSERT_EQ(utf8_first_error(utf8_repaired(text)), std::string::npos);
    ASSERT_LE(utf8_complete_prefix(text), text.size());
    if (utf8_first_error(text) == std::string::npos) {
      ASSERT_EQ(utf8_repaired(text), text);
    }
  }
}

}  // namespace
}  // namespace xlstm
