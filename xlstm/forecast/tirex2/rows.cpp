#include "xlstm/forecast/tirex2/rows.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "xlstm/forecast/tirex2/trend.h"

namespace xlstm::tirex2 {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

class SampleMaker {
 public:
  SampleMaker(const Series& series, const SeriesSpec& spec, const RowOptions& options)
      : spec_(spec),
        options_(options),
        T_(series.targets.front().size()),
        future_(static_cast<std::size_t>(spec.future)) {
    const auto context = static_cast<std::size_t>(spec.context);
    context_ = options.pad_context ? context : std::min(context, T_);
  }

  void add_target(const Values& values) {
    Row row;
    row.values = signed_values(values);
    row.is_target = true;
    row.last = last_value(row.values);
    row.is_difference = options_.difference_trends && has_trend(row.values);
    if (row.is_difference) row.values = differences(row.values);
    finish(std::move(row));
  }

  void add_covariate(const Values& values, std::size_t steps) {
    const auto length = static_cast<std::ptrdiff_t>(T_ + steps);
    Row row;
    row.values = signed_values({values.begin(), values.begin() + length});
    row.is_known = std::any_of(row.values.begin() + static_cast<std::ptrdiff_t>(T_),
                               row.values.end(), [](float x) { return !std::isnan(x); });
    finish(std::move(row));
  }

  Sample take() {
    out_.tokens = patches_of(std::ssize(out_.rows.front().values), spec_.P);
    out_.first = out_.tokens - spec_.future / spec_.P - 1;
    out_.computed = out_.any_known() ? out_.tokens : out_.first + patches_of(options_.H, spec_.P);
    return std::move(out_);
  }

 private:
  Values signed_values(Values values) const {
    if (options_.negate) std::ranges::transform(values, values.begin(), std::negate());
    return values;
  }

  // Fills up the future, cuts or fills up the past, and scales.
  void finish(Row row) {
    row.values.resize(T_ + future_, kMissing);
    if (T_ > context_) {
      row.values.erase(row.values.begin(),
                       row.values.begin() + static_cast<std::ptrdiff_t>(T_ - context_));
    } else {
      row.values.insert(row.values.begin(), context_ - T_, kMissing);
    }
    row.scale = scale_of(row.values, spec_);
    out_.rows.push_back(std::move(row));
  }

  const SeriesSpec& spec_;
  const RowOptions& options_;
  std::size_t T_, future_, context_ = 0;
  Sample out_;
};

}  // namespace

bool Sample::any_known() const {
  return std::ranges::any_of(rows, &Row::is_known);
}

Sample sample_of(const Series& series, const SeriesSpec& spec, const RowOptions& options) {
  SampleMaker maker(series, spec, options);
  for (const Values& values : series.targets) maker.add_target(values);
  for (const Values& values : series.past) maker.add_covariate(values, 0);
  const auto steps = static_cast<std::size_t>(options.H);
  for (const Values& values : series.known) maker.add_covariate(values, steps);
  return maker.take();
}

void append_tokens(const Row& row, const SeriesSpec& spec, std::int64_t count,
                   std::vector<float>& out) {
  const std::int64_t columns = std::ssize(row.values), P = spec.P;
  const std::int64_t missing = patches_of(columns, P) * P - columns;
  std::vector<float> mask(static_cast<std::size_t>(P));
  for (std::int64_t token = 0; token < count; ++token) {
    for (std::int64_t p = 0; p < P; ++p) {
      const std::int64_t at = token * P + p - missing;
      const float u =
          at < 0 ? kMissing : scaled(row.values[static_cast<std::size_t>(at)], row.scale, spec);
      const bool is_there = !std::isnan(u);
      out.push_back(is_there ? u : 0.0F);
      mask[static_cast<std::size_t>(p)] = is_there ? 1.0F : 0.0F;
    }
    out.insert(out.end(), mask.begin(), mask.end());
  }
}

}  // namespace xlstm::tirex2
