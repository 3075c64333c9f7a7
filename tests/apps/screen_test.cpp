// What a terminal shows of a text: checked with a small terminal that follows the sequences.
#include "xlstm/apps/editor/screen.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "xlstm/apps/editor/glyphs.h"

namespace xlstm::apps {
namespace {

constexpr char kSun[] = "\xE6\x97\xA5";
constexpr char kAcute[] = "e\xCC\x81";
constexpr char kThumb[] = "\xF0\x9F\x91\x8D\xF0\x9F\x8F\xBD";  // of another skin: doubtful

// Rows of cells; a wide glyph leaves an empty cell behind it. Behind the last column the cursor
// waits, as that of xterm does.
class TestTerminal {
 public:
  explicit TestTerminal(TerminalSize size) : size_(size), rows_(height(), blank()) {}

  void feed(const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
      const Glyph glyph = glyph_at(bytes, at);
      const std::string text = bytes.substr(at, glyph.size);
      at += glyph.size;
      if (text == "\r") {
        column = 0;
      } else if (text == "\n") {
        down();
        column = 0;
      } else if (text == "\x1b") {
        at = sequence(bytes, at + 1);
      } else {
        put(text, glyph.width);
      }
    }
  }
  std::string row(std::size_t number) const {
    std::string out;
    for (const std::string& cell : rows_[number]) out += cell;
    out.erase(out.find_last_not_of(' ') + 1);
    return out;
  }
  std::string cursor() const { return std::to_string(row_) + "," + std::to_string(column); }

 private:
  std::size_t height() const { return static_cast<std::size_t>(size_.rows); }
  std::vector<std::string> blank() const {
    return std::vector<std::string>(static_cast<std::size_t>(size_.columns), " ");
  }
  void down() {
    if (row_ + 1 < height()) {
      ++row_;
    } else {
      rows_.erase(rows_.begin());
      rows_.push_back(blank());
    }
  }
  void put(const std::string& text, int width) {
    ASSERT_LE(column + width, size_.columns) << "left to the terminal to wrap: " << text;
    rows_[row_][static_cast<std::size_t>(column)] = text;
    for (int i = 1; i < width; ++i) rows_[row_][static_cast<std::size_t>(column + i)] = "";
    column += width;
  }
  std::size_t sequence(const std::string& bytes, std::size_t at) {
    int number = 0;
    bool given = false;
    for (; bytes[at] >= '0' && bytes[at] <= '9'; ++at) {
      number = number * 10 + (bytes[at] - '0');
      given = true;
    }
    if (!given) number = 1;
    auto& row = rows_[row_];
    const auto here = row.begin() + std::min<int>(column, size_.columns - 1);
    switch (bytes[at]) {
      case 'A':
        row_ -= std::min(row_, static_cast<std::size_t>(number));
        break;
      case 'C':
        column = std::min(column + number, size_.columns - 1);
        break;
      case 'G':
        column = number - 1;
        break;
      case 'K':
        std::fill(here, row.end(), " ");
        break;
      case 'J':
        std::fill(here, row.end(), " ");
        std::fill(rows_.begin() + static_cast<std::ptrdiff_t>(row_) + 1, rows_.end(), blank());
        break;
      default:
        ADD_FAILURE() << "unknown sequence " << bytes[at];
    }
    return at + 1;
  }

  TerminalSize size_;
  std::vector<std::vector<std::string>> rows_;
  std::size_t row_ = 0;

 public:
  int column = 0;
};

class OnScreen : public ::testing::Test {
 protected:
  void show(const std::string& text, std::size_t cursor) {
    const std::string bytes = screen.show(text, cursor);
    written += bytes.size();
    terminal.feed(bytes);
  }
  void show(const std::string& text) { show(text, text.size()); }

  OnScreen() { screen.resize(kSize); }
  static constexpr TerminalSize kSize{10, 4};
  RowScreen screen;
  TestTerminal terminal{kSize};
  std::size_t written = 0;
};

TEST_F(OnScreen, TypedCharactersAreWrittenAlone) {
  show("> ");
  show("> a");
  EXPECT_EQ(screen.show("> ab", 4), "b");
}

TEST_F(OnScreen, WrapsRows) {
  show("> 12345678");
  EXPECT_EQ(terminal.row(0), "> 12345678");
  EXPECT_EQ(terminal.cursor(), "1,0");
  show("> 123456789");
  EXPECT_EQ(terminal.row(1), "9");
  EXPECT_EQ(terminal.cursor(), "1,1");
  show("> x123456789", 3);
  EXPECT_EQ(terminal.row(0), "> x1234567");
  EXPECT_EQ(terminal.row(1), "89");
  EXPECT_EQ(terminal.cursor(), "0,3");
  show("> x");
  EXPECT_EQ(terminal.row(0), "> x");
  EXPECT_EQ(terminal.row(1), "");
}

TEST_F(OnScreen, WideAndCombiningCharactersHaveTheirColumns) {
  show(std::string("> ") + kSun + kSun + kSun + kSun);
  EXPECT_EQ(terminal.cursor(), "1,0");
  show(std::string("> a") + kSun + kSun + kSun + kSun);  // one does not fit into the last column
  EXPECT_EQ(terminal.row(0), std::string("> a") + kSun + kSun + kSun);
  EXPECT_EQ(terminal.row(1), kSun);
  EXPECT_EQ(terminal.cursor(), "1,2");
  show(std::string("> ") + kAcute + kAcute + "b", 2 + 3);
  EXPECT_EQ(terminal.row(0), std::string("> ") + kAcute + kAcute + "b");
  EXPECT_EQ(terminal.cursor(), "0,3");
  show(std::string("> ") + kThumb + "b");
  EXPECT_EQ(terminal.row(0), std::string("> ") + kThumb + "b");
}

TEST_F(OnScreen, ControlCharactersArePictures) {
  show("> a\x1b[31m\x7f");
  EXPECT_EQ(terminal.row(0), "> a^[[31m");
  EXPECT_EQ(terminal.row(1), "^?");
  show("> \xC2\x9B!");  // the one-byte form of ESC [
  EXPECT_EQ(terminal.row(0), "> <9b>!");
}

TEST_F(OnScreen, LinesAndTabs) {
  show("> a\tb\n\tc\n");
  EXPECT_EQ(terminal.row(0), "> a     b");
  EXPECT_EQ(terminal.row(1), "        c");
  EXPECT_EQ(terminal.cursor(), "2,0");
  show("> 12345678\nx");  // a full row is no row more
  EXPECT_EQ(terminal.row(0), "> 12345678");
  EXPECT_EQ(terminal.row(1), "x");
}

TEST_F(OnScreen, ShowsTheRowsAroundTheCursor) {
  std::string text = "> ";
  for (int i = 10; i < 50; ++i) text += std::to_string(i);
  show(text);
  EXPECT_EQ(terminal.row(3), "49");
  EXPECT_EQ(terminal.cursor(), "3,2");
  show(text, 2);
  EXPECT_EQ(terminal.row(0), "> 10111213");
  EXPECT_EQ(terminal.cursor(), "0,2");
  show("> x" + text.substr(2), 3);
  EXPECT_EQ(terminal.row(0), "> x1011121");
  show(text, 55);
  EXPECT_EQ(terminal.row(3), text.substr(50, 10));
  EXPECT_EQ(terminal.cursor(), "3,5");
  show(text);
  terminal.feed(screen.leave());
  show("> ");
  EXPECT_EQ(terminal.row(2), "49");
  EXPECT_EQ(terminal.row(3), ">");
}

TEST_F(OnScreen, LeavesFromTheMiddle) {
  show("> 12345678901234567", 3);
  terminal.feed(screen.leave());
  show("> ");
  EXPECT_EQ(terminal.row(2), ">");
  EXPECT_EQ(terminal.row(1), "901234567");
}

// However it changes, the terminal shows what it would show of the text alone.
TEST_F(OnScreen, ChangesEndWhereANewTextWould) {
  std::uint32_t random = 7;
  const std::vector<std::string> parts = {"a",        "b",    " ",  "\t",   "\n",  kSun,
                                          "\xC3\xA9", kAcute, "xy", kThumb, "\x01"};
  std::string text = "> ";
  for (int round = 0; round < 3000; ++round) {
    random = random * 1664525 + 1013904223;
    const std::uint32_t pick = random >> 16;
    // A new text now and then; else one change at any place.
    std::vector<std::size_t> places;
    for (std::size_t at = 2; at < text.size(); at += glyph_at(text, at).size) places.push_back(at);
    places.push_back(text.size());
    const std::size_t place = places[pick % places.size()];
    if (pick % 7 == 0 && place < text.size()) {
      text.erase(place, glyph_at(text, place).size);
    } else if (pick % 23 == 0) {
      text = "> ";
    } else {
      text.insert(place, parts[pick / 32 % parts.size()]);
    }
    std::size_t cursor = 2;
    while (cursor < text.size() && cursor < place) cursor += glyph_at(text, cursor).size;
    show(text, cursor);
    RowScreen fresh;
    fresh.resize(kSize);
    TestTerminal other(kSize);
    other.feed(fresh.show(text, text.size()));
    other.feed(fresh.show(text, cursor));
    // Which rows of a tall text are seen depends on where the cursor was before.
    if (Layout(text, kSize.columns).rows() > static_cast<std::size_t>(kSize.rows)) continue;
    for (std::size_t row = 0; row < 4; ++row) ASSERT_EQ(terminal.row(row), other.row(row)) << text;
    ASSERT_EQ(terminal.cursor(), other.cursor()) << text;
  }
}

TEST(DumbScreens, OnlyGoForward) {
  DumbScreen screen;
  EXPECT_EQ(screen.show("> ", 2), "> ");
  EXPECT_EQ(screen.show("> ab", 4), "ab");
  EXPECT_EQ(screen.show("> a", 3), "\b \b");
  EXPECT_EQ(screen.show(std::string("> a") + kSun, 6), kSun);
  EXPECT_EQ(screen.show("> a", 3), "\b \b\b \b");
  EXPECT_EQ(screen.show("> xa", 3), "\n> xa");
  EXPECT_EQ(screen.show("> xa\x1b", 3), "^[");
  EXPECT_EQ(screen.leave(), "\n");
}

TEST(Layouts, OfALongTextAreQuickToAsk) {
  const std::string text(1'000'000, 'x');
  const Layout layout(text, 80);
  EXPECT_EQ(layout.rows(), 12501U);  // the cursor's after the last full one
  EXPECT_EQ(layout.place_of(1'000'000).row, 12500U);
  EXPECT_EQ(layout.place_of(85).column, 5);
}

}  // namespace
}  // namespace xlstm::apps
