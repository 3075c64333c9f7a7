#include "xlstm/forecast/tirex2/trend.h"

#include <cmath>
#include <cstddef>
#include <vector>

#include "xlstm/forecast/tirex2/float_range.h"

namespace xlstm::tirex2 {
namespace {

constexpr double kLeastRise = 1.5, kLeastR2 = 0.87, kTiny = 1e-12;
constexpr std::size_t kFewestValues = 4;

struct Point {
  double position, value;
};

double mean_of(const std::vector<Point>& points, double Point::*field) {
  double sum = 0;
  for (const Point& point : points) sum += point.*field;
  return sum / static_cast<double>(points.size());
}

}  // namespace

bool has_trend(std::span<const float> values) {
  std::vector<Point> points;
  for (std::size_t t = 0; t < values.size(); ++t) {
    if (!std::isnan(values[t])) points.push_back({static_cast<double>(t), values[t]});
  }
  if (points.size() < kFewestValues) return false;
  const double mean = mean_of(points, &Point::value);
  double squares = 0;
  for (const Point& p : points) squares += (p.value - mean) * (p.value - mean);
  const double deviation = std::sqrt(squares / static_cast<double>(points.size() - 1));
  if (!(deviation >= kTiny)) return false;

  const double centre = mean_of(points, &Point::position);
  double across = 0, along = 0;
  for (Point& p : points) {
    p.value = (p.value - mean) / deviation;
    across += (p.position - centre) * p.value;
    along += (p.position - centre) * (p.position - centre);
  }
  const double slope = across / along, offset = mean_of(points, &Point::value);
  double unexplained = 0, all = 0;
  for (const Point& p : points) {
    const double fit = offset + slope * (p.position - centre);
    unexplained += (p.value - fit) * (p.value - fit);
    all += (p.value - offset) * (p.value - offset);
  }
  const double r2 = all <= kTiny ? 0 : 1 - unexplained / all;
  return std::abs(slope) * static_cast<double>(values.size()) >= kLeastRise && r2 >= kLeastR2;
}

Values differences(std::span<const float> values) {
  Values out(values.size(), 0.0F);
  for (std::size_t t = 1; t < values.size(); ++t) out[t] = difference(values[t], values[t - 1]);
  return out;
}

float difference(float x, float before) {
  return to_value(static_cast<double>(x) - before);
}

float last_value(std::span<const float> values) {
  for (std::size_t t = values.size(); t > 0; --t) {
    if (!std::isnan(values[t - 1])) return values[t - 1];
  }
  return 0;
}

}  // namespace xlstm::tirex2
