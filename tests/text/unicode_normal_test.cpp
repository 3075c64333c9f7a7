#include "xlstm/text/unicode_normal.h"

#include <gtest/gtest.h>
#include <utf8proc.h>

#include <algorithm>
#include <string>

#include "tests/text/random_text.h"
#include "xlstm/base/error.h"
#include "xlstm/text/characters.h"

namespace xlstm::text {
namespace {

constexpr NormalForm kForms[] = {NormalForm::kNfc, NormalForm::kNfd, NormalForm::kNfkc,
                                 NormalForm::kNfkd};

std::string normal(std::string text, NormalForm form) {
  normalize(text, form);
  return text;
}

// utf8proc on the whole text at once, by its own Unicode version.
std::string by_utf8proc(const std::string& text, NormalForm form) {
  const bool composes = form == NormalForm::kNfc || form == NormalForm::kNfkc;
  const bool compatible = form == NormalForm::kNfkc || form == NormalForm::kNfkd;
  const int options = UTF8PROC_STABLE | (composes ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE) |
                      (compatible ? UTF8PROC_COMPAT : 0);
  utf8proc_uint8_t* made = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                             static_cast<utf8proc_ssize_t>(text.size()), &made,
                                             static_cast<utf8proc_option_t>(options));
  EXPECT_GE(size, 0);
  std::string result(reinterpret_cast<const char*>(made), static_cast<std::size_t>(size));
  std::free(made);
  return result;
}

std::string without_inert(const std::string& text) {
  std::string kept;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    if ((classes_of(point.value) & kInert) == 0) kept.append(text, at, point.size);
    at += point.size;
  }
  return kept;
}

TEST(UnicodeNormal, AgreesWithUtf8procOnOldCharacters) {
  RandomText random(4);
  for (int round = 0; round < 20000; ++round) {
    const std::string text = without_inert(random.text(random.below(24)));
    for (const NormalForm form : kForms) {
      ASSERT_EQ(normal(text, form), by_utf8proc(text, form)) << quoted(text);
    }
  }
}

// What is skipped as surely normal must be: nothing decomposes to it and nothing before it composes
// with it. Every canonical decomposition is tried, composed again from its parts.
TEST(UnicodeNormal, EveryCompositionIsFound) {
  std::size_t tried = 0;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if ((c >= 0xD800 && c < 0xE000) || (classes_of(c) & kInert) != 0) continue;
    std::string text;
    append_utf8(text, c);
    ASSERT_EQ(normal(text, NormalForm::kNfc), by_utf8proc(text, NormalForm::kNfc));
    const std::string parts = by_utf8proc(text, NormalForm::kNfd);
    if (parts == text) continue;
    ASSERT_EQ(normal(parts, NormalForm::kNfc), by_utf8proc(parts, NormalForm::kNfc));
    ASSERT_EQ(normal("a" + parts + "b", NormalForm::kNfc),
              by_utf8proc("a" + parts + "b", NormalForm::kNfc));
    ++tried;
  }
  EXPECT_GT(tried, 12000U);  // Hangul alone has 11172
}

TEST(UnicodeNormal, CharactersOfLaterVersionsStayAsTheyAre) {
  // U+11938 is U+11935 U+11930 since Unicode 13; U+1ABF is a mark below (class 220) since 13.
  EXPECT_EQ(normal("\U00011938", NormalForm::kNfd), "\U00011938");
  EXPECT_EQ(normal("\U00011935\U00011930", NormalForm::kNfc), "\U00011935\U00011930");
  EXPECT_EQ(normal("a\u0301\u1ABF", NormalForm::kNfd), "a\u0301\u1ABF");
  EXPECT_EQ(normal("a\u0301\u0316", NormalForm::kNfd), "a\u0316\u0301");
  EXPECT_EQ(normal("e\u0301\u1ABFe\u0301", NormalForm::kNfc), "\u00E9\u1ABF\u00E9");
}

// A sort of these by insertion would take 2.5e11 steps.
TEST(UnicodeNormal, LongRunOfMarks) {
  constexpr std::size_t kPairs = 500000;
  std::string text = "x", above, below;
  for (std::size_t i = 0; i < kPairs; ++i) {
    text += "\u0301\u0316";  // classes 230 and 220
    above += "\u0301";
    below += "\u0316";
  }
  EXPECT_EQ(normal(text, NormalForm::kNfd), "x" + below + above);
}

TEST(UnicodeNormal, IsIdempotent) {
  RandomText random(5);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = random.text(random.below(30));
    for (const NormalForm form : kForms) {
      const std::string once = normal(text, form);
      ASSERT_EQ(normal(once, form), once) << quoted(text);
    }
  }
}

}  // namespace
}  // namespace xlstm::text
