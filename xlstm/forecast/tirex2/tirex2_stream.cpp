#include "xlstm/forecast/tirex2/tirex2_stream.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/forecast/tirex2/stream_tensors.h"
#include "xlstm/forecast/tirex2/tirex2_model.h"

namespace xlstm::tirex2 {

Tirex2Stream::Tirex2Stream(const Tirex2Model& model, std::size_t targets,
                           std::size_t past_covariates)
    : model_(&model),
      window_{std::vector<Values>(targets), std::vector<Values>(past_covariates), {}} {}

std::unique_ptr<SeriesStream> Tirex2Stream::fork() const {
  return std::make_unique<Tirex2Stream>(*this);
}

namespace {

// Row `index` of a window: targets, then past covariates.
Values& row_of(Series& window, std::size_t index) {
  const std::size_t targets = window.targets.size();
  return index < targets ? window.targets[index] : window.past[index - targets];
}

// How often the value changes, missing ones left out.
std::int64_t changes_of(const Values& row) {
  std::int64_t out = 0;
  float last = std::numeric_limits<float>::quiet_NaN();
  for (const float x : row) {
    if (std::isnan(x)) continue;
    out += !std::isnan(last) && x != last ? 1 : 0;
    last = x;
  }
  return out;
}

}  // namespace

void Tirex2Stream::append(std::span<const Values> rows) {
  const std::size_t count = rows.front().size();
  if (follower_) {
    follower_->append(rows);
    position_ += count;
    return;
  }
  Tirex2Stream next = *this;
  const std::size_t read = next.fill_window(rows);
  if (read < count) {
    std::vector<Values> rest;
    for (const Values& row : rows) {
      rest.emplace_back(row.begin() + static_cast<std::ptrdiff_t>(read), row.end());
    }
    next.follower_->append(rest);
  }
  next.position_ += count;
  *this = std::move(next);
}

std::size_t Tirex2Stream::fill_window(std::span<const Values> rows) {
  const SeriesSpec& spec = model_->spec();
  const auto context = static_cast<std::size_t>(spec.context);
  const std::size_t count = rows.front().size();
  std::size_t read = 0;
  while (!follower_ && read < count) {
    const std::size_t held = window_.targets.front().size();
    const std::size_t piece = held < context ? std::min(context - held, count - read) : 1;
    bool can_follow = held + piece >= context;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      Values& row = row_of(window_, r);
      if (held == context) row.erase(row.begin());
      const auto from = rows[r].begin() + static_cast<std::ptrdiff_t>(read);
      row.insert(row.end(), from, from + static_cast<std::ptrdiff_t>(piece));
      can_follow = can_follow && changes_of(row) >= (r < targets() ? spec.P : 1);
    }
    read += piece;
    if (!can_follow) continue;
    follower_ = follow(position_ + read);
    for (std::size_t r = 0; r < rows.size(); ++r) row_of(window_, r) = {};
  }
  return read;
}

Follower Tirex2Stream::follow(std::uint64_t position) const {
  const SeriesSpec& spec = model_->spec();
  const RowOptions options = {spec.P, true, spec.difference_trends, false};
  const Sample sample = sample_of(window_, spec, options);
  const std::int64_t missing = patches_of(spec.context, spec.P) * spec.P - spec.context;
  std::vector<Values> values;
  for (const Row& row : sample.rows) {
    values.emplace_back(static_cast<std::size_t>(missing), std::numeric_limits<float>::quiet_NaN());
    values.back().insert(values.back().end(), row.values.begin(),
                         row.values.begin() + spec.context);
  }
  const auto own = static_cast<std::uint64_t>(patches_of(spec.context, spec.P));
  Follower follower(model_->network(), spec, sample.rows, tokens_of(position, 0, spec.P) - own);
  follower.append_prepared(values);
  for (std::size_t r = 0; r < sample.rows.size(); ++r) {
    const Values& row = r < targets() ? window_.targets[r] : window_.past[r - targets()];
    follower.rows()[r].previous = row.back();
  }
  return follower;
}

void Tirex2Stream::check_following(const ForecastOptions& options) const {
  const bool trends = model_->spec().difference_trends;
  const auto refuse = [](std::string_view option, std::string_view wanted, std::string_view got) {
    fail_wanted(ErrorKind::kUsage, option, wanted, got);
  };
  if (options.context != 0) {
    refuse("context", "0 for a stream that has read a whole context", str(options.context));
  }
  if (!options.pad_context) {
    refuse("pad_context", "on for a stream that has read a whole context", "off");
  }
  if (options.flip_sign.value_or(false)) {
    refuse("flip_sign", "off for a stream that has read a whole context", "on");
  }
  if (options.difference_trends.value_or(trends) != trends) {
    refuse("difference_trends",
           str("as the model's config has it, ", trends ? "on" : "off",
               ", for a stream that has read a whole context"),
           trends ? "off" : "on");
  }
}

std::vector<Forecast> Tirex2Stream::forecast(const ForecastOptions& options) const {
  if (!follower_) return std::move(model_->forecast(std::span(&window_, 1), options).front());
  check_following(options);
  const SeriesSpec& spec = model_->spec();
  std::vector<Forecast> out;
  for (const Quantiles& each : follower_->forecast(std::min(options.horizon, spec.future))) {
    out.push_back(to_forecast(each, spec));
  }
  return out;
}

void Tirex2Stream::save(const std::filesystem::path& file) const {
  StreamContents contents;
  contents.position = position_;
  if (follower_) {
    put_rows(follower_->rows(), model_->loaded(), contents);
  } else {
    put_window(window_, contents);
  }
  save_stream(file, contents, model_->loaded());
}

Tirex2Stream Tirex2Stream::load(const Tirex2Model& model, const std::filesystem::path& file) {
  const StreamContents contents = load_stream(file, model.loaded());
  if (auto window = take_window(contents, model.spec(), file)) {
    Tirex2Stream out(model, window->targets.size(), window->past.size());
    out.window_ = std::move(*window);
    out.position_ = contents.position;
    return out;
  }
  std::vector<FollowedRow> rows = take_rows(contents, model.spec(), model.loaded(), file);
  const auto targets = static_cast<std::size_t>(
      std::ranges::count_if(rows, [](const FollowedRow& each) { return each.row.is_target; }));
  Tirex2Stream out(model, targets, rows.size() - targets);
  out.follower_.emplace(model.network(), model.spec(), std::move(rows));
  out.position_ = contents.position;
  return out;
}

}  // namespace xlstm::tirex2
