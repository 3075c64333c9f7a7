#include <algorithm>
#include <array>
#include <cmath>

#include "xlstm/base/error.h"
#include "xlstm/series/plot.h"
#include "xlstm/series/ticks.h"

namespace xlstm {
namespace {

// What a place of the text shows, the greatest of what is there.
enum class Ink : unsigned char { kNone, kWideBand, kNarrowBand, kSeen, kMedian };

// A place holds two by four dots, as braille has them.
constexpr int kDotsAcross = 2, kDotsDown = 4;

struct Place {
  Ink ink = Ink::kNone;
  unsigned dots = 0;  // of the line that the ink is
};

class Canvas {
 public:
  Canvas(int columns, int rows) : columns_(columns), rows_(rows), places_(cells(columns, rows)) {}

  int dot_columns() const { return columns_ * kDotsAcross; }
  int dot_rows() const { return rows_ * kDotsDown; }
  const Place& at(int column, int row) const { return places_[index(column, row)]; }

  void dot(int x, int y, Ink ink) {
    if (x < 0 || y < 0 || x >= dot_columns() || y >= dot_rows()) return;
    // Bits of U+2800: 1 2 3 7 down the left, 4 5 6 8 down the right.
    constexpr std::array<std::array<unsigned, kDotsDown>, kDotsAcross> kBits = {
        {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}}};
    Place& place = places_[index(x / kDotsAcross, y / kDotsDown)];
    if (place.ink > ink) return;
    if (place.ink < ink) place = {ink, 0};
    place.dots |=
        kBits[static_cast<std::size_t>(x % kDotsAcross)][static_cast<std::size_t>(y % kDotsDown)];
  }

  void line(int x1, int y1, int x2, int y2, Ink ink) {
    const int steps = std::max({std::abs(x2 - x1), std::abs(y2 - y1), 1});
    for (int i = 0; i <= steps; ++i) {
      const double share = static_cast<double>(i) / steps;
      dot(static_cast<int>(std::lround(x1 + share * (x2 - x1))),
          static_cast<int>(std::lround(y1 + share * (y2 - y1))), ink);
    }
  }

 private:
  static std::size_t cells(int columns, int rows) {
    return static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows);
  }
  std::size_t index(int column, int row) const {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_) +
           static_cast<std::size_t>(column);
  }

  int columns_, rows_;
  std::vector<Place> places_;
};

std::string braille(unsigned dots) {
  return {'\xE2', static_cast<char>(0xA0 | (dots >> 6)), static_cast<char>(0x80 | (dots & 0x3F))};
}

std::string letter_of(const Place& place, bool unicode) {
  switch (place.ink) {
    case Ink::kNone:
      return " ";
    case Ink::kWideBand:
      return unicode ? "\u2591" : ".";
    case Ink::kNarrowBand:
      return unicode ? "\u2592" : ":";
    case Ink::kSeen:
      return unicode ? braille(place.dots) : "*";
    case Ink::kMedian:
      return unicode ? braille(place.dots) : "+";
  }
  return " ";
}

std::string_view colour_of(Ink ink) {
  return ink == Ink::kNone || ink == Ink::kSeen ? ""
         : ink == Ink::kMedian                  ? "\x1b[1;34m"
                                                : "\x1b[34m";
}

class Sketch {
 public:
  Sketch(const PlotPanel& panel, const SketchOptions& options)
      : panel_(panel),
        options_(options),
        range_(range_of(panel)),
        ticks_(number_ticks(range_.low, range_.high,
                            static_cast<std::size_t>(std::max(2, options.rows / 3)))) {
    for (const Tick& tick : ticks_) margin_ = std::max(margin_, tick.label.size());
  }

  std::string text() const {
    const int width = std::max(8, options_.columns - static_cast<int>(margin_) - 2);
    Canvas canvas(width, options_.rows);
    draw_bands(canvas);
    draw_line(canvas, panel_.history, 0, Ink::kSeen);
    std::vector<float> ahead = panel_.median;
    const bool joined = !panel_.history.empty();
    if (joined) ahead.insert(ahead.begin(), panel_.history.back());
    draw_line(canvas, ahead, panel_.history.size() - (joined ? 1 : 0), Ink::kMedian);
    std::string out;
    for (int row = 0; row < options_.rows; ++row) out += row_text(canvas, row, width);
    return out + axis(width);
  }

 private:
  std::size_t count() const { return panel_.history.size() + panel_.median.size(); }

  int x_of(const Canvas& canvas, std::size_t index) const {
    const double steps = static_cast<double>(std::max<std::size_t>(count(), 2) - 1);
    return static_cast<int>(
        std::lround(static_cast<double>(index) / steps * (canvas.dot_columns() - 1)));
  }
  // Down from the top.
  int y_of(int dot_rows, double value) const {
    const double share = (range_.high - value) / (range_.high - range_.low);
    return static_cast<int>(std::lround(share * (dot_rows - 1)));
  }

  void draw_line(Canvas& canvas, const std::vector<float>& values, std::size_t begin,
                 Ink ink) const {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(values[i])) continue;
      const int x = x_of(canvas, begin + i), y = y_of(canvas.dot_rows(), values[i]);
      canvas.dot(x, y, ink);
      if (i == 0 || !std::isfinite(values[i - 1])) continue;
      canvas.line(x_of(canvas, begin + i - 1), y_of(canvas.dot_rows(), values[i - 1]), x, y, ink);
    }
  }

  void draw_bands(Canvas& canvas) const {
    for (std::size_t b = 0; b < panel_.bands.size(); ++b) {
      const PlotBand& band = panel_.bands[b];
      for (std::size_t i = 0; i < band.low.size(); ++i) {
        if (!std::isfinite(band.low[i]) || !std::isfinite(band.high[i])) continue;
        fill(canvas, i, band, b == 0 ? Ink::kWideBand : Ink::kNarrowBand);
      }
    }
  }

  // The columns from step i to the next.
  void fill(Canvas& canvas, std::size_t i, const PlotBand& band, Ink ink) const {
    const std::size_t at = panel_.history.size() + i;
    const int end = i + 1 < band.low.size() ? x_of(canvas, at + 1) : canvas.dot_columns();
    const int top = y_of(canvas.dot_rows(), std::max(band.low[i], band.high[i]));
    const int bottom = y_of(canvas.dot_rows(), std::min(band.low[i], band.high[i]));
    for (int x = x_of(canvas, at); x < end; ++x) {
      for (int y = top; y <= bottom; ++y) canvas.dot(x, y, ink);
    }
  }

  std::string row_text(const Canvas& canvas, int row, int width) const {
    std::string label;
    for (const Tick& tick : ticks_) {
      if (y_of(options_.rows, tick.at) == row) label = tick.label;
    }
    std::string out = std::string(margin_ - label.size(), ' ') + label;
    out +=
        options_.unicode ? (label.empty() ? " \u2502" : " \u2524") : (label.empty() ? " |" : " +");
    std::string drawn;
    std::string_view colour;
    for (int column = 0; column < width; ++column) {
      const Place& place = canvas.at(column, row);
      const std::string_view wanted = options_.colours ? colour_of(place.ink) : "";
      if (wanted != colour) drawn += wanted.empty() ? "\x1b[0m" : str("\x1b[0m", wanted);
      colour = wanted;
      drawn += letter_of(place, options_.unicode);
    }
    if (!colour.empty()) drawn += "\x1b[0m";
    drawn.resize(drawn.find_last_not_of(' ') + 1);
    return out + drawn + "\n";
  }

  // Times below, as many as there is room for.
  std::string axis(int width) const {
    constexpr int kRoom = 14;  // columns for a label
    std::string below(static_cast<std::size_t>(width) + margin_ + 2, ' ');
    const auto most = static_cast<std::size_t>(std::max(2, width / kRoom));
    std::size_t free = 0;
    for (const Tick& tick :
         time_ticks(panel_.times, panel_.first, static_cast<std::int64_t>(count()), most)) {
      const double share = (tick.at - static_cast<double>(panel_.first)) /
                           static_cast<double>(std::max<std::size_t>(count(), 2) - 1);
      const auto at = margin_ + 2 + static_cast<std::size_t>(std::lround(share * (width - 1)));
      const std::size_t half = std::min(tick.label.size() / 2, at);
      const std::size_t begin =
          std::min(at - half, below.size() - std::min(below.size(), tick.label.size()));
      if (begin < free || begin + tick.label.size() > below.size()) continue;
      below.replace(begin, tick.label.size(), tick.label);
      free = begin + tick.label.size() + 1;
    }
    below.resize(below.find_last_not_of(' ') + 1);
    return below + "\n";
  }

  const PlotPanel& panel_;
  const SketchOptions& options_;
  PlotRange range_;
  std::vector<Tick> ticks_;
  std::size_t margin_ = 0;
};

}  // namespace

std::string sketch(const PlotPanel& panel, const SketchOptions& options) {
  return Sketch(panel, options).text();
}

}  // namespace xlstm
