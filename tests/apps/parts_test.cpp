// The parts that need no program: values, near names, turns.
#include <gtest/gtest.h>

#include <deque>

#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/multiline_input.h"
#include "xlstm/apps/nearest.h"
#include "xlstm/apps/streams.h"
#include "xlstm/apps/terminal.h"
#include "xlstm/apps/values.h"
#include "xlstm/base/error.h"

namespace xlstm::apps {
namespace {

TEST(Values, NumbersAreInTheirRange) {
  constexpr NumberRange kOpen{0, 1, "a number above 0 and up to 1", false};
  EXPECT_EQ(parse_number("--x", "0.25", kOpen), 0.25F);
  EXPECT_EQ(parse_number("--x", "1", kOpen), 1.0F);
  EXPECT_EQ(parse_number("--x", "+1e-3", kOpen), 1e-3F);
  EXPECT_GT(parse_number("--x", "1e-300", kOpen), 0.0F);
  for (const char* bad :
       {"0", "1.0001", "-1", "", " 1", "1 ", "1x", "nan", "inf", "0x1", "--1", "e"}) {
    EXPECT_THROW(parse_number("--x", bad, kOpen), Error) << bad;
  }
}

TEST(Values, WholeNumbers) {
  EXPECT_EQ(parse_integer("--x", "0", 0, 10), 0);
  EXPECT_EQ(parse_integer("--x", "10", 0, 10), 10);
  for (const char* bad : {"11", "-1", "", "1.0", "9223372036854775808", "0x1", " 1"}) {
    EXPECT_THROW(parse_integer("--x", bad, 0, 10), Error) << bad;
  }
  EXPECT_EQ(parse_seed("--seed", "18446744073709551615"), ~std::uint64_t{0});
}

TEST(Values, Sizes) {
  EXPECT_EQ(parse_bytes("--x", "1024"), 1024U);
  EXPECT_EQ(parse_bytes("--x", "512B"), 512U);
  EXPECT_EQ(parse_bytes("--x", "1.5K"), 1536U);
  EXPECT_EQ(parse_bytes("--x", "2 MiB"), 2U << 20);
  EXPECT_EQ(parse_bytes("--x", "4GB"), 4000000000U);
  EXPECT_EQ(parse_bytes("--x", "1t"), std::uint64_t{1} << 40);
  for (const char* bad : {"", "G", "-1", "1X", "1GiBs", "1..5G", "99999999T", "1e3", "nan"}) {
    EXPECT_THROW(parse_bytes("--x", bad), Error) << bad;
  }
  EXPECT_EQ(parse_memory_limit("--x", "1G"),
            (std::pair<std::uint64_t, std::uint64_t>(0, 1U << 30)));
  EXPECT_EQ(parse_memory_limit("--x", "1K,2K"),
            (std::pair<std::uint64_t, std::uint64_t>(1024, 2048)));
  EXPECT_EQ(parse_memory_limit("--x", "1K,0"), (std::pair<std::uint64_t, std::uint64_t>(1024, 0)));
}

TEST(Values, LogitBias) {
  EXPECT_EQ(parse_logit_bias("--x", "5=-1.5"), (std::pair<std::int32_t, float>(5, -1.5F)));
  EXPECT_LT(parse_logit_bias("--x", "5=-inf").second, -1e38F);
  for (const char* bad : {"", "5", "=1", "5=", "x=1", "-5=1", "5=inf", "99999999999=1", "1=2=3"}) {
    EXPECT_THROW(parse_logit_bias("--x", bad), Error) << bad;
  }
}

TEST(Values, Escapes) {
  EXPECT_EQ(unescape("--x", R"(a\n\r\t\\n)"), "a\n\r\t\\n");
  EXPECT_THROW(unescape("--x", R"(a\)"), Error);
  EXPECT_THROW(unescape("--x", R"(\x41)"), Error);
}

TEST(Values, OneLineEndIsDropped) {
  EXPECT_EQ(without_last_line_end("a\n"), "a");
  EXPECT_EQ(without_last_line_end("a\r\n"), "a");
  EXPECT_EQ(without_last_line_end("a\n\n"), "a\n");
  EXPECT_EQ(without_last_line_end("a\r"), "a\r");
  EXPECT_EQ(without_last_line_end(""), "");
}

TEST(Nearest, FindsTypingErrors) {
  const std::vector<std::string> names = {"--prompt", "--prompt-file", "--top-p", "--top-k"};
  EXPECT_EQ(did_you_mean("--promt", names), "; did you mean --prompt?");
  EXPECT_EQ(did_you_mean("--rpompt", names), "; did you mean --prompt?");
  EXPECT_EQ(did_you_mean("--prompt-fil", names), "; did you mean --prompt-file?");
  EXPECT_EQ(did_you_mean("--something-else", names), "");
  EXPECT_EQ(did_you_mean(std::string(10000, 'x'), names), "");
}

TEST(Bar, IsNeverAsWideAsTheTerminal) {
  EXPECT_EQ(bar_text("Reading", 50, 80),
            "Reading [" + std::string(16, '#') + std::string(16, ' ') + "]  50%");
  EXPECT_EQ(bar_text("Loading", 100, 20), "Loading [####] 100%");
  EXPECT_EQ(bar_text("Loading", 7, 19), "Loading   7%");
  EXPECT_EQ(bar_text("Loading", 7, 12), "  7%");
  EXPECT_EQ(bar_text("Loading", 7, 4), "");
  for (int columns = 1; columns < 100; ++columns) {
    for (const int percent : {0, 1, 99, 100}) {
      EXPECT_LT(bar_text("Loading", percent, columns).size(), static_cast<std::size_t>(columns));
    }
  }
}

TEST(Bar, TakesATextWhereThereIsRoom) {
  EXPECT_EQ(bar_text("Doing", 50, 30, "1 of 2"), "Doing [####    ]  50%  1 of 2");
  EXPECT_EQ(bar_text("Doing", 50, 14, "1 of 2 and more"), bar_text("Doing", 50, 14));
  EXPECT_EQ(bar_text("Doing", 50, 80, ""), bar_text("Doing", 50, 80));
  EXPECT_EQ(bar_text("Doing", std::nullopt, 14, "1 of 2"), "Doing 1 of 2");
  EXPECT_EQ(bar_text("Doing", std::nullopt, 12, "1 of 2"), "");
  for (int columns = 1; columns < 100; ++columns) {
    for (const auto percent : {std::optional<int>(), std::optional(100)}) {
      EXPECT_LT(bar_text("Doing", percent, columns, "1 of 2").size(),
                static_cast<std::size_t>(columns));
    }
  }
}

TEST(ExitCodes, EveryKindHasOne) {
  EXPECT_EQ(exit_code_of(ErrorKind::kUsage), 2);
  EXPECT_EQ(exit_code_of(ErrorKind::kFile), 3);
  EXPECT_EQ(exit_code_of(ErrorKind::kFormat), 3);
  EXPECT_EQ(exit_code_of(ErrorKind::kModel), 3);
  EXPECT_EQ(exit_code_of(ErrorKind::kMemory), 4);
  EXPECT_EQ(exit_code_of(ErrorKind::kInternal), 1);
}

// Lines from a list; "^C" stands for an interrupt.
class ListedLines : public LineSource {
 public:
  explicit ListedLines(std::deque<std::string> lines) : lines_(std::move(lines)) {}
  Line read(const std::string& prompt) override {
    prompts += prompt;
    if (lines_.empty()) return {LineEnd::kEndOfInput, ""};
    const std::string line = lines_.front();
    lines_.pop_front();
    if (line == "^C") return {LineEnd::kInterrupted, ""};
    return {LineEnd::kText, line};
  }
  std::string prompts;

 private:
  std::deque<std::string> lines_;
};

TEST(Turns, ALineIsATurn) {
  ListedLines lines({"one", " two "});
  EXPECT_EQ(read_multiline(lines, "> ").text, "one");
  EXPECT_EQ(read_multiline(lines, "> ").text, " two ");
  EXPECT_EQ(read_multiline(lines, "> ").end, LineEnd::kEndOfInput);
  EXPECT_EQ(lines.prompts, "> > > ");
}

TEST(Turns, ABackslashGoesOn) {
  ListedLines lines({"one\\", "two\\", "three", "four\\"});
  EXPECT_EQ(read_multiline(lines, "> ").text, "one\ntwo\nthree");
  EXPECT_EQ(read_multiline(lines, "> ").text, "four\n");
  EXPECT_EQ(lines.prompts, "> ... ... > ... ");
}

TEST(Turns, QuotesMakeABlock) {
  ListedLines lines(
      {"\"\"\"", "one", "", "two\\", "\"\"\"", "\"\"\"a\"\"\"", "\"\"\"b", "c\"\"\"", "\"\"\"d"});
  EXPECT_EQ(read_multiline(lines, "> ").text, "one\n\ntwo\\");
  EXPECT_EQ(read_multiline(lines, "> ").text, "a");
  EXPECT_EQ(read_multiline(lines, "> ").text, "b\nc");
  EXPECT_EQ(read_multiline(lines, "> ").text, "d");
}

TEST(Turns, PastedLinesAreOneTurnWhateverTheyBeginAndEndWith) {
  for (const std::string text : {"\"\"\"A docstring.\"\"\"\nimport os", "one \\\ntwo \\"}) {
    ListedLines lines({text});
    EXPECT_EQ(read_multiline(lines, "> ").text, text);
  }
}

TEST(Turns, AnInterruptDropsTheTurn) {
  ListedLines lines({"\"\"\"", "one", "^C", "a\\", "^C", "two"});
  EXPECT_EQ(read_multiline(lines, "> ").end, LineEnd::kInterrupted);
  EXPECT_EQ(read_multiline(lines, "> ").end, LineEnd::kInterrupted);
  EXPECT_EQ(read_multiline(lines, "> ").text, "two");
}

}  // namespace
}  // namespace xlstm::apps
