#include "xlstm/forecast/tirex2/tirex2_stream.h"

#include <algorithm>
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

void Tirex2Stream::append(std::span<const Values> rows) {
  position_ += rows.front().size();
  if (follower_) return follower_->append(rows);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    Values& row = r < targets() ? window_.targets[r] : window_.past[r - targets()];
    row.insert(row.end(), rows[r].begin(), rows[r].end());
  }
  if (std::ssize(window_.targets.front()) >= model_->spec().context) begin_to_follow();
}

void Tirex2Stream::begin_to_follow() {
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
  Follower follower(model_->network(), spec, sample.rows);
  follower.append_prepared(values);
  for (std::size_t r = 0; r < sample.rows.size(); ++r) {
    const Values& row = r < targets() ? window_.targets[r] : window_.past[r - targets()];
    follower.rows()[r].previous = row.back();
  }
  follower_ = std::move(follower);
  for (Values& row : window_.targets) row = {};
  for (Values& row : window_.past) row = {};
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
