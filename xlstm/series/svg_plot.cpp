#include <algorithm>
#include <cmath>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"
#include "xlstm/series/plot.h"
#include "xlstm/series/ticks.h"

namespace xlstm {
namespace {

// In pixels.
constexpr double kWidth = 860, kMargin = 16;
constexpr double kLeft = 54, kBottom = 28, kTop = 34;  // of a panel, for labels and title
constexpr double kSpace = 20;                          // between panels
constexpr double kLegend = 26;
constexpr double kTitleLetter = 8.5;  // the width of one, about
constexpr std::size_t kPanelsInOneColumn = 3;

// Middle greys and blues, which stand out from white and from black; where the viewer tells which
// of the two it shows, better ones.
constexpr std::string_view kStyle = R"(<style>
text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #6b7280 }
.title { font-size: 14px; font-weight: 600; fill: #6b7280 }
.grid { stroke: #9ca3af; stroke-opacity: .28; fill: none }
.axis { stroke: #9ca3af; stroke-opacity: .8; fill: none }
.now { stroke: #9ca3af; stroke-dasharray: 3 4; fill: none }
.seen { stroke: #64748b; stroke-width: 1.6; fill: none; stroke-linejoin: round; stroke-linecap: round }
.dot { fill: #64748b }
.median { stroke: #2f7df6; stroke-width: 2.2; fill: none; stroke-linejoin: round; stroke-linecap: round }
.band { fill: #2f7df6; fill-opacity: .2 }
@media (prefers-color-scheme: dark) {
  text { fill: #9ca3af } .title { fill: #d1d5db }
  .seen { stroke: #cbd5e1 } .dot { fill: #cbd5e1 }
  .median { stroke: #60a5fa } .band { fill: #60a5fa }
}
</style>
)";

// Text as XML may hold it.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char letter : utf8_repaired(text)) {
    if (letter == '&') {
      out += "&amp;";
    } else if (letter == '<') {
      out += "&lt;";
    } else if (letter == '>') {
      out += "&gt;";
    } else if (static_cast<unsigned char>(letter) < ' ') {
      out += ' ';
    } else {
      out += letter;
    }
  }
  return out;
}

// What has room of a text: of long names the end says more than the beginning.
std::string its_end(const std::string& text, double letters) {
  const auto most = static_cast<std::size_t>(letters);
  if (text.size() <= most) return text;
  std::size_t begin = text.size() - most;
  while (begin < text.size() && (text[begin] & 0xC0) == 0x80) ++begin;  // within a character
  return "\u2026" + text.substr(begin);
}

std::string pixels(double value) {
  return decimals(value, 1);
}

std::string text_at(double x, double y, std::string_view anchor, std::string_view text,
                    std::string_view kind = "") {
  return str("<text x=\"", pixels(x), "\" y=\"", pixels(y), "\" text-anchor=\"", anchor, "\"",
             kind.empty() ? "" : str(" class=\"", kind, "\""), ">", escaped(text), "</text>\n");
}

std::string line(double x1, double y1, double x2, double y2, std::string_view kind) {
  return str("<path class=\"", kind, "\" d=\"M", pixels(x1), " ", pixels(y1), "L", pixels(x2), " ",
             pixels(y2), "\"/>\n");
}

struct Box {
  double x, y, width, height;
};

// One panel's drawing.
class Panel {
 public:
  Panel(const PlotPanel& panel, const Box& box)
      : panel_(panel),
        box_{box.x + kLeft, box.y + kTop, box.width - kLeft, box.height - kTop - kBottom},
        range_(range_of(panel)),
        count_(panel.history.size() + panel.median.size()) {}

  std::string svg() const {
    std::string out = "<g>\n";
    if (!panel_.title.empty()) {
      out += text_at(box_.x - kLeft, box_.y - kTop + 16, "start",
                     its_end(panel_.title, (box_.width + kLeft) / kTitleLetter), "title");
    }
    out += axes();
    for (const PlotBand& band : panel_.bands) out += band_area(band);
    out += seen() + median();
    return out + "</g>\n";
  }

 private:
  double x(double index) const {
    const double steps = static_cast<double>(std::max<std::size_t>(count_, 2) - 1);
    return box_.x + box_.width * index / steps;
  }
  double y(double value) const {
    return box_.y + box_.height * (range_.high - value) / (range_.high - range_.low);
  }
  double bottom() const { return box_.y + box_.height; }
  double first_forecast() const { return static_cast<double>(panel_.history.size()); }
  // Forecasts grow out of the last value that was seen, if that is the step before them.
  bool joined() const { return !panel_.history.empty() && std::isfinite(panel_.history.back()); }

  std::string axes() const {
    std::string out;
    const auto values = static_cast<std::size_t>(std::max(2.0, box_.height / 34));
    for (const Tick& tick : number_ticks(range_.low, range_.high, values)) {
      out += line(box_.x, y(tick.at), box_.x + box_.width, y(tick.at), "grid");
      out += text_at(box_.x - 8, y(tick.at) + 4, "end", tick.label);
    }
    out += line(box_.x, bottom(), box_.x + box_.width, bottom(), "axis");
    const auto times = static_cast<std::size_t>(std::max(2.0, box_.width / 76));
    for (const Tick& tick :
         time_ticks(panel_.times, panel_.first, static_cast<std::int64_t>(count_), times)) {
      const double at = x(tick.at - static_cast<double>(panel_.first));
      out += line(at, bottom(), at, bottom() + 5, "axis");
      out += text_at(at, bottom() + 19, "middle", tick.label);
    }
    const double now = x(first_forecast() - 1);
    return joined() ? out + line(now, box_.y, now, bottom(), "now") : out;
  }

  std::string point(double index, double value) const {
    return str(pixels(x(index)), " ", pixels(y(value)));
  }

  // Values from `begin` on, as lines between those that are neighbours.
  std::string lines(const std::vector<float>& values, double begin, std::string path = "") const {
    bool drawing = !path.empty();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool there = std::isfinite(values[i]);
      if (there) {
        path += (drawing ? "L" : "M") + point(begin + static_cast<double>(i), values[i]);
      }
      drawing = there;
    }
    return path;
  }

  std::string path_from_last_seen() const {
    return joined() ? "M" + point(first_forecast() - 1, panel_.history.back()) : "";
  }

  std::string seen() const {
    std::string out = str("<path class=\"seen\" d=\"", lines(panel_.history, 0), "\"/>\n");
    const std::vector<float>& values = panel_.history;
    for (std::size_t i = 0; i < values.size();
         ++i) {  // no line goes through what has no neighbours
      const bool alone = std::isfinite(values[i]) && (i == 0 || !std::isfinite(values[i - 1])) &&
                         (i + 1 == values.size() || !std::isfinite(values[i + 1]));
      if (!alone) continue;
      out += str("<circle class=\"dot\" r=\"1.6\" cx=\"", pixels(x(static_cast<double>(i))),
                 "\" cy=\"", pixels(y(values[i])), "\"/>\n");
    }
    return out;
  }

  std::string median() const {
    return str("<path class=\"median\" d=\"",
               lines(panel_.median, first_forecast(), path_from_last_seen()), "\"/>\n");
  }

  // Up along the low end and back along the high one.
  std::string band_area(const PlotBand& band) const {
    const auto finite = [](float value) { return std::isfinite(value); };
    if (!std::ranges::all_of(band.low, finite) || !std::ranges::all_of(band.high, finite))
      return "";
    std::string path = lines(band.low, first_forecast(), path_from_last_seen());
    for (std::size_t i = band.high.size(); i-- > 0;) {
      path += "L" + point(first_forecast() + static_cast<double>(i), band.high[i]);
    }
    return str("<path class=\"band\" d=\"", path, "Z\"/>\n");
  }

  const PlotPanel& panel_;
  Box box_;
  PlotRange range_;
  std::size_t count_;
};

// What the colours mean, for all panels at once.
std::string legend(const PlotPanel& panel, double right, double y) {
  constexpr double kLetter = 6.6, kSign = 18, kGap = 18;     // pixels, about
  std::vector<std::pair<std::string, std::string>> entries;  // name, class
  for (const PlotBand& band : panel.bands) entries.emplace_back(band_name(band), "band");
  entries.emplace_back("median", "median");
  entries.emplace_back("observed", "seen");
  std::string out;
  int wider = 0;  // bands lie over each other
  double x = right;
  for (auto entry = entries.begin(); entry != entries.end(); ++entry) {
    const auto& [name, kind] = *entry;
    const double width = kLetter * static_cast<double>(name.size());
    x -= width;
    out += text_at(x, y, "start", name);
    x -= kSign + 6;
    if (kind == "band") {
      for (int i = 0; i <= wider; ++i) {
        out += str("<rect class=\"band\" x=\"", pixels(x), "\" y=\"", pixels(y - 10), "\" width=\"",
                   pixels(kSign), "\" height=\"12\" rx=\"2\"/>\n");
      }
      ++wider;
    } else {
      out += line(x, y - 4, x + kSign, y - 4, kind);
    }
    x -= kGap;
  }
  return out;
}

}  // namespace

std::string svg_plot(std::span<const PlotPanel> panels) {
  const bool one_column = panels.size() <= kPanelsInOneColumn;
  const std::size_t columns = one_column ? 1 : 2;
  const std::size_t rows = (panels.size() + columns - 1) / columns;
  const double height = panels.size() == 1 ? 340 : one_column ? 250 : 210;
  const double width = (kWidth - 2 * kMargin - kSpace * static_cast<double>(columns - 1)) /
                       static_cast<double>(columns);
  const double all = 2 * kMargin + kLegend + static_cast<double>(rows) * (height + kSpace) - kSpace;
  std::string out =
      str("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", kWidth, "\" height=\"", all,
          "\" viewBox=\"0 0 ", kWidth, " ", all, "\" role=\"img\">\n", kStyle);
  if (!panels.empty()) out += legend(panels.front(), kWidth - kMargin, kMargin + 12);
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const auto column = static_cast<double>(i % columns), row = static_cast<double>(i / columns);
    out += Panel(panels[i], {kMargin + column * (width + kSpace),
                             kMargin + kLegend + row * (height + kSpace), width, height})
               .svg();
  }
  return out + "</svg>\n";
}

}  // namespace xlstm
