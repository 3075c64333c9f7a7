// Keys and what they do to a text, without a terminal.
#include "xlstm/apps/editor/editor.h"

#include <gtest/gtest.h>

#include "xlstm/apps/editor/edit_settings.h"
#include "xlstm/apps/editor/key_decoder.h"
#include "xlstm/base/utf8.h"

namespace xlstm::apps {
namespace {

constexpr char kE[] = "\xC3\xA9";                // é
constexpr char kSun[] = "\xE6\x97\xA5";          // 日
constexpr char kAcute[] = "e\xCC\x81";           // e and a combining accent
constexpr char kReplacement[] = "\xEF\xBF\xBD";  // U+FFFD

std::string keys_of(std::string_view bytes, std::size_t piece = 1) {
  KeyDecoder decoder;
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    decoder.feed(bytes.substr(at, piece));
    while (const auto key = decoder.next()) {
      const bool text = key->code == KeyCode::kText;
      if (!text) out += "<" + std::to_string(static_cast<int>(key->code)) + ">";
      out += key->text;
    }
  }
  return out;
}

std::string named(KeyCode code) {
  return "<" + std::to_string(static_cast<int>(code)) + ">";
}

TEST(Keys, ComeInPiecesOfAnySize) {
  const std::string bytes = std::string("a") + kE + kSun + "\x1b[A\x1b[1;5D\x1bOC\x1b[3~\x1b[15~" +
                            "\x1b[[A\r\x1bx\x1b[200~p\rq\r\n\x1b[Ar\x1b[201~z\x7f";
  const std::string wanted =
      std::string("a") + kE + kSun + named(KeyCode::kUp) + named(KeyCode::kWordLeft) +
      named(KeyCode::kRight) + named(KeyCode::kDelete) + named(KeyCode::kOther) +
      named(KeyCode::kOther) + named(KeyCode::kControl) + "\r" + named(KeyCode::kEscape) + "x" +
      named(KeyCode::kPaste) + "p\nq\n\x1b[Arz" + named(KeyCode::kControl) + "\x7f";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    EXPECT_EQ(keys_of(bytes, piece), wanted) << piece;
  }
}

TEST(Keys, WhatIsNotUtf8IsReplaced) {
  EXPECT_EQ(keys_of("a\xFF"
                    "b"),
            std::string("a") + kReplacement + "b");
  EXPECT_EQ(keys_of("\xC3\r"), kReplacement + named(KeyCode::kControl) + "\r");
  EXPECT_EQ(keys_of("\x1b[200~\xE6\x97\x1b[201~"), named(KeyCode::kPaste) + kReplacement);
}

TEST(Keys, SequencesEnd) {
  EXPECT_EQ(keys_of("\x1b[1\x03"), named(KeyCode::kOther) + named(KeyCode::kControl) + "\x03");
  EXPECT_NE(keys_of("\x1b[" + std::string(1000, '1') + "x").find("x"), std::string::npos);
}

TEST(Keys, AnEscapeMayBeTheKey) {
  KeyDecoder decoder;
  decoder.feed("\x1b");
  EXPECT_FALSE(decoder.next());
  ASSERT_TRUE(decoder.has_open_escape());
  decoder.close_escape();
  EXPECT_EQ(decoder.next()->code, KeyCode::kEscape);
  EXPECT_FALSE(decoder.has_open_escape());
  decoder.feed("[A");
  EXPECT_EQ(decoder.next()->text, "[A");
}

class Editing : public ::testing::Test {
 protected:
  // The text after these keys, the cursor shown as |.
  std::string after(std::string_view bytes, EditMode mode = EditMode::kEmacs) {
    Editor editor(mode, history, complete);
    KeyDecoder decoder;
    decoder.feed(bytes);
    while (const auto key = decoder.next()) last = editor.handle(*key);
    if (decoder.has_open_escape()) {
      decoder.close_escape();
      last = editor.handle(*decoder.next());
    }
    prompt = editor.search_prompt();
    choices = editor.choices();
    return std::string(editor.text()).insert(editor.cursor(), "|");
  }
  std::string vi(std::string_view bytes) { return after(bytes, EditMode::kVi); }

  std::vector<std::string> history = {"first line", "second\nline"};
  Completer complete;
  Edited last = Edited::kOn;
  std::optional<std::string> prompt;
  std::vector<std::string> choices;
};

TEST_F(Editing, MovesByWhatAPersonSees) {
  EXPECT_EQ(after(std::string("a") + kAcute + kSun + "\x02\x02"),
            std::string("a|") + kAcute + kSun);
  EXPECT_EQ(after(std::string("a") + kAcute + "\x7f"), "a|");
  EXPECT_EQ(after(std::string(kSun) + kE + "\x01\x04"), std::string("|") + kE);
  // A family of emoji, joined.
  EXPECT_EQ(after("x\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9\x08"), "x|");
}

TEST_F(Editing, EmacsKeys) {
  EXPECT_EQ(after("one two\x01\x0b"), "|");
  EXPECT_EQ(after("one two\x17"), "one |");
  EXPECT_EQ(after("one two\x17\x01\x19"), "two|one ");
  EXPECT_EQ(after("one two\x1b"
                  "b\x15"),
            "|two");
  EXPECT_EQ(after("one two\x01\x1b"
                  "fx"),
            "onex| two");
  EXPECT_EQ(after("one two\x1b[D\x1b[D\x1b[H\x1b[C."), "o.|ne two");
  EXPECT_EQ(after("ab\x14"), "ba|");
  EXPECT_EQ(after("one two\x01\x1b"
                  "c\x1bu"),
            "One TWO|");
  EXPECT_EQ(after("abc\x02\x7f\x1f"), "ab|c");
  EXPECT_EQ(after("a\x16\x03"), "a\x03|");
  EXPECT_EQ(after("a\x1b\rb"), "a\nb|");
}

TEST_F(Editing, EndsAndSignals) {
  after("a\r");
  EXPECT_EQ(last, Edited::kLine);
  after("a\x03");
  EXPECT_EQ(last, Edited::kDropped);
  after("\x04");
  EXPECT_EQ(last, Edited::kEndOfInput);
  after(std::string_view("\0", 1));  // Ctrl-Space
  EXPECT_EQ(last, Edited::kBell);
  EXPECT_EQ(after("a\x04"), "a|");
  EXPECT_EQ(last, Edited::kBell);
  after("a\x1a");
  EXPECT_EQ(last, Edited::kSuspend);
}

TEST_F(Editing, HistoryKeepsWhatWasTyped) {
  EXPECT_EQ(after("new\x10"), "second\nline|");
  EXPECT_EQ(after("new\x10\x10"), "seco|nd\nline");  // first through the lines
  EXPECT_EQ(after("new\x10\x10\x10"), "first line|");
  EXPECT_EQ(after("new\x10\x10\x10\x0e"), "second\nline|");
  EXPECT_EQ(after("new\x10\x0e"), "new|");
  EXPECT_EQ(after("\x10\x10\x10\x10"), "first line|");
  EXPECT_EQ(last, Edited::kBell);
}

TEST_F(Editing, SearchesTheHistory) {
  EXPECT_EQ(after("\x12line"), "second\n|line");
  EXPECT_EQ(prompt, "(search) line: ");
  EXPECT_EQ(after("\x12line\x12"), "first |line");
  EXPECT_EQ(after("ab\x12line\x07"), "ab|");
  EXPECT_EQ(after("\x12line\x12\x12\x05."), "first line.|");
  after(
      "\x12"
      "fir\r");
  EXPECT_EQ(last, Edited::kLine);
}

TEST_F(Editing, LinesOfOneText) {
  const std::string text = "\x1b[200~ab\ncd\nef\x1b[201~";
  EXPECT_EQ(after(text), "ab\ncd\nef|");
  EXPECT_EQ(after(text + "\x10\x01x"), "ab\nx|cd\nef");
  EXPECT_EQ(after(text + "\x1b[A\x1b[A\x02\x1b[B"), "ab\nc|d\nef");
  EXPECT_EQ(after(text + "\x1b<\x0b\x0b"), "|cd\nef");
}

TEST_F(Editing, TabIsTextUnlessThereIsSomethingToComplete) {
  EXPECT_EQ(after("a\tb"), "a\tb|");
  complete = [](std::string_view before) -> std::optional<Choices> {
    if (!before.starts_with('/')) return std::nullopt;
    Choices found;
    for (const std::string word : {"/save ", "/stats"}) {
      if (word.starts_with(before)) found.words.push_back(word);
    }
    return found;
  };
  EXPECT_EQ(after("a\tb"), "a\tb|");
  EXPECT_EQ(after("/sa\t"), "/save |");
  EXPECT_EQ(after("/\t"), "/s|");
  EXPECT_EQ(after("/s\t"), "/s|");
  EXPECT_EQ(last, Edited::kChoices);
  EXPECT_EQ(choices, (std::vector<std::string>{"/save ", "/stats"}));
  EXPECT_EQ(after("/x\t"), "/x|");
  EXPECT_EQ(last, Edited::kBell);
}

TEST_F(Editing, ViCommands) {
  EXPECT_EQ(vi("one two\x1b"), "one tw|o");
  EXPECT_EQ(vi("one two\x1b"
               "0x"),
            "|ne two");
  EXPECT_EQ(vi("one two\x1b"
               "0wD"),
            "one| ");
  EXPECT_EQ(vi("one two\x1b"
               "0cwX\x1b"),
            "|X two");
  EXPECT_EQ(vi("one two three\x1b"
               "02dw"),
            "|three");
  EXPECT_EQ(vi("one two three\x1b"
               "0d2wu"),
            "one two |three");
  EXPECT_EQ(vi("one two\x1b"
               "bdb"),
            "|two");
  EXPECT_EQ(vi("a.b.c\x1b"
               "0f.;r-"),
            "a.b|-c");
  EXPECT_EQ(vi("a.b.c\x1b"
               "0dt."),
            "|.b.c");
  EXPECT_EQ(vi("one\x1b"
               "yyp"),
            "oneon|e");
  EXPECT_EQ(vi("one\x1b"
               "dd"),
            "|");
  EXPECT_EQ(vi("one\x1bIx\x1b"
               "Ay"),
            "xoney|");
  EXPECT_EQ(vi("abc\x1b"
               "hrX"),
            "a|Xc");
  EXPECT_EQ(vi("ab\x1bkj"), "a|b");
  EXPECT_EQ(vi("ab\x1b"
               "99999999999999999999l"),
            "a|b");
  EXPECT_EQ(vi("ab\x1b"
               "dq"),
            "a|b");
  EXPECT_EQ(last, Edited::kBell);
  vi("ab\x1b\x03");
  EXPECT_EQ(last, Edited::kDropped);
  vi("\x1b\x04");
  EXPECT_EQ(last, Edited::kEndOfInput);
  vi("a\x1b\r");
  EXPECT_EQ(last, Edited::kLine);
}

// Whatever is typed, the cursor stays between characters.
TEST_F(Editing, NoKeysBreakTheText) {
  std::uint32_t random = 1;
  const std::string alphabet = "ab ./\n\t\r0123dcywbefFtTxXpPuirsSDC;,^$hjkl~\x1b[O";
  for (const EditMode mode : {EditMode::kEmacs, EditMode::kVi}) {
    for (int round = 0; round < 2000; ++round) {
      std::string bytes;
      for (int i = 0; i < 40; ++i) {
        random = random * 1664525 + 1013904223;
        const std::uint32_t pick = random >> 16;
        if (pick % 5 == 0) bytes += pick % 2 == 0 ? kAcute : kSun;
        if (pick % 5 == 1) bytes += static_cast<char>(pick / 8 % 32);
        if (pick % 5 > 1) bytes += alphabet[pick / 8 % alphabet.size()];
      }
      const std::string text = after(bytes, mode);
      const std::size_t cursor = text.find('|');
      ASSERT_EQ(utf8_first_error(text), std::string::npos) << bytes;
      ASSERT_LT(cursor, text.size()) << bytes;
    }
  }
}

TEST(EditSettings, OfTheUsualLibraries) {
  EXPECT_EQ(edit_mode_of("", ""), EditMode::kEmacs);
  EXPECT_EQ(edit_mode_of("bind -v\n", ""), EditMode::kVi);
  EXPECT_EQ(edit_mode_of("xlstm: bind -v", ""), EditMode::kVi);
  EXPECT_EQ(edit_mode_of("xlstm:bind -v", ""), EditMode::kVi);
  EXPECT_EQ(edit_mode_of("python:bind -v", ""), EditMode::kEmacs);
  EXPECT_EQ(edit_mode_of("# bind -v", "set editing-mode vi"), EditMode::kVi);
  EXPECT_EQ(edit_mode_of("bind -e", "set editing-mode vi"), EditMode::kEmacs);
}

}  // namespace
}  // namespace xlstm::apps
