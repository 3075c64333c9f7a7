#include "xlstm/series/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace xlstm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

PlotPanel panel() {
  return {.title = "passengers",
          .history = {1, 2, kMissing, 4},
          .median = {5, 6},
          .bands = {{0.1F, 0.9F, {4, 4}, {6, 8}}, {0.3F, 0.7F, {4.5F, 5}, {5.5F, 7}}},
          .times = Timeline(parse_time("2020-01").value(), TimeUnit::kMonth, 1),
          .first = 0};
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

// Tags closed in the order in which they were opened, and no bare "&": enough of XML for what has
// attributes without "<".
bool is_well_formed(const std::string& text) {
  std::vector<std::string> open;
  for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1)) {
    const std::size_t end = text.find('>', at);
    if (end == std::string::npos) return false;
    const std::string tag = text.substr(at + 1, end - at - 1);
    if (tag.starts_with('/')) {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
    } else if (!tag.ends_with('/')) {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
  }
  for (std::size_t at = text.find('&'); at != std::string::npos; at = text.find('&', at + 1)) {
    const std::string entity = text.substr(at, 5);
    if (!entity.starts_with("&amp;") && !entity.starts_with("&lt;") &&
        !entity.starts_with("&gt;")) {
      return false;
    }
  }
  return open.empty();
}

TEST(SvgPlot, HasHistoryMedianAndBands) {
  const PlotPanel one = panel();
  const std::string svg = svg_plot(std::span(&one, 1));
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_EQ(count(svg, "<path class=\"band\""), 2U);
  EXPECT_EQ(count(svg, "<path class=\"seen\" d=\"M"), 2U);  // and in the legend
  for (const char* text : {">passengers<", ">10-90%<", ">30-70%<", ">median<", ">2020-03<"}) {
    EXPECT_THAT(svg, HasSubstr(text));
  }
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  // The history breaks where a value is missing: the fourth stands alone.
  EXPECT_EQ(count(svg, "<circle class=\"dot\""), 1U);
}

TEST(SvgPlot, TextIsEscaped) {
  PlotPanel one = panel();
  one.title = "a<b> & \"c\"\x01\xff";
  const std::string svg = svg_plot(std::span(&one, 1));
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_THAT(svg, HasSubstr("a&lt;b&gt; &amp; \"c\" \xEF\xBF\xBD"));
}

TEST(SvgPlot, ManyPanelsStandInTwoColumns) {
  const std::vector<PlotPanel> panels(5, panel());
  const std::string svg = svg_plot(panels);
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_EQ(count(svg, ">passengers<"), 5U);
  EXPECT_EQ(count(svg, ">median<"), 1U);
}

TEST(SvgPlot, TakesWhatCannotBeDrawn) {
  PlotPanel one = panel();
  one.history = {};
  one.median = {kMissing, std::numeric_limits<float>::infinity()};
  one.bands = {{0.1F, 0.9F, {kMissing, 1}, {2, 3}}};
  const std::string svg = svg_plot(std::span(&one, 1));
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  EXPECT_TRUE(is_well_formed(svg_plot({})));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

TEST(Sketch, IsAsLargeAsItIsTold) {
  const std::string text = sketch(panel(), {.columns = 40, .rows = 8, .unicode = false});
  const auto lines = lines_of(text);
  EXPECT_EQ(lines.size(), 9U);  // and the axis
  for (const std::string& line : lines) EXPECT_LE(line.size(), 40U);
  for (const unsigned char letter : text) EXPECT_LT(letter, 0x80);
  EXPECT_THAT(text, HasSubstr("*"));
  EXPECT_THAT(text, HasSubstr("+"));
  EXPECT_THAT(text, HasSubstr(":"));
  EXPECT_THAT(text, HasSubstr("."));
  EXPECT_THAT(lines.back(), HasSubstr("2020-0"));
}

TEST(Sketch, RisesToTheRight) {
  PlotPanel one = panel();
  one.history = {1, 2, 3, 4};
  one.bands = {};
  one.median = {};
  const auto lines = lines_of(sketch(one, {.columns = 40, .rows = 8, .unicode = false}));
  EXPECT_GT(lines[0].rfind('*'), lines[7].rfind('*'));
  EXPECT_NE(lines[7].find('*'), std::string::npos);
}

TEST(Sketch, ColoursAndBraille) {
  const std::string plain = sketch(panel(), {.columns = 40, .rows = 8});
  EXPECT_THAT(plain, HasSubstr("\u2591"));
  EXPECT_THAT(plain, Not(HasSubstr("\x1b")));
  const std::string coloured = sketch(panel(), {.columns = 40, .rows = 8, .colours = true});
  EXPECT_THAT(coloured, HasSubstr("\x1b[1;34m"));
  EXPECT_THAT(coloured, HasSubstr("\x1b[0m"));
}

}  // namespace
}  // namespace xlstm
