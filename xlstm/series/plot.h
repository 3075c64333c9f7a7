// Plots of series and their forecasts: as SVG, and as text for a terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "xlstm/series/timeline.h"

namespace xlstm {

struct PlotBand {
  float low_level = 0, high_level = 0;  // of quantiles: 0.1, 0.9
  std::vector<float> low, high;         // [H]
};

// One series: what was seen, and behind it what is expected.
struct PlotPanel {
  std::string title;
  std::vector<float> history;     // [T], NaN: missing
  std::vector<float> median;      // [H]
  std::vector<PlotBand> bands;    // the widest first
  std::optional<Timeline> times;  // of moments
  std::int64_t first = 0;         // the moment of the history's first value
};

// The values of a panel, from the least to the greatest, with a little room; {0, 1} where there are
// none.
struct PlotRange {
  double low = 0, high = 1;
};
PlotRange range_of(const PlotPanel& panel);

// "10-90%"
std::string band_name(const PlotBand& band);

// An SVG document with the panels one below the other, four and more in two columns; legible on
// light and dark backgrounds.
std::string svg_plot(std::span<const PlotPanel> panels);

struct SketchOptions {
  int columns = 80;      // of text, at least 20
  int rows = 16;         // at least 4
  bool unicode = true;   // else ASCII alone
  bool colours = false;  // of a terminal
};

// Lines of text, each with its line end.
std::string sketch(const PlotPanel& panel, const SketchOptions& options);

}  // namespace xlstm
