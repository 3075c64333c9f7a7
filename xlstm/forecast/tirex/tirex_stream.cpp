#include "xlstm/forecast/tirex/tirex_stream.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "xlstm/base/error.h"
#include "xlstm/forecast/stream_file.h"

namespace xlstm::tirex {
namespace {

constexpr const char* kWindow = "window";  // [n]: the newest values

}  // namespace

std::unique_ptr<SeriesStream> TirexStream::fork() const {
  return std::make_unique<TirexStream>(*this);
}

void TirexStream::append(std::span<const Values> rows) {
  const Values& values = rows.front();
  window_.insert(window_.end(), values.begin(), values.end());
  position_ += values.size();
  const auto most = static_cast<std::size_t>(model_->facts().context);
  if (window_.size() <= most) return;
  window_.erase(window_.begin(), window_.end() - static_cast<std::ptrdiff_t>(most));
}

std::vector<Forecast> TirexStream::forecast(const ForecastOptions& options) const {
  if (options.resample) {
    fail_wanted(ErrorKind::kUsage, "resample", "off for a stream, which keeps the newest values",
                "on");
  }
  const Series series{{window_}, {}, {}};
  model_->check_horizon(series, options, "stream");
  return std::move(model_->forecast(std::span(&series, 1), options).front());
}

void TirexStream::save(const std::filesystem::path& file) const {
  save_stream(file, {position_, {{kWindow, {{std::ssize(window_)}, window_}}}}, model_->loaded());
}

TirexStream TirexStream::load(const ForecastModel& model, const std::filesystem::path& file) {
  StreamContents contents = load_stream(file, model.loaded());
  const auto found = contents.tensors.find(kWindow);
  const auto kept =
      std::min<std::uint64_t>(contents.position, static_cast<std::uint64_t>(model.facts().context));
  if (contents.tensors.size() != 1 || found == contents.tensors.end() ||
      found->second.values.size() != kept || found->second.shape.size() != 1) {
    fail_wanted(ErrorKind::kFormat, file.string(), str("one tensor ", kWindow, " [", kept, "]"),
                str(contents.tensors.size(), " tensors"));
  }
  if (std::ranges::any_of(found->second.values, [](float x) { return std::isinf(x); })) {
    fail_wanted(ErrorKind::kFormat, file.string(), str("finite values in ", kWindow),
                "an infinite one");
  }
  TirexStream out(model);
  out.window_ = std::move(found->second.values);
  out.position_ = contents.position;
  return out;
}

}  // namespace xlstm::tirex
