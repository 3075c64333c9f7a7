#include "xlstm/engine/forecaster.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "xlstm/base/bad_alloc.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/doctor.h"
#include "xlstm/engine/engine_impl.h"
#include "xlstm/engine/limits.h"
#include "xlstm/engine/opening.h"
#include "xlstm/engine/resolve.h"
#include "xlstm/forecast/checks.h"
#include "xlstm/forecast/forecast_model.h"
#include "xlstm/forecast/quantile_levels.h"

namespace xlstm {
namespace {

constexpr std::string_view kDefaultForecaster = "tides-1m";

const ForecastFamily& forecast_family(const Plan& plan, const std::string& where) {
  if (const ForecastFamily* found = find_forecast_family(plan.family)) return *found;
  fail_wanted(
      ErrorKind::kModel, where, "a forecaster",
      str("a language model (", plan.family, "): `xlstm generate` and Engine::open() run it"));
}

std::vector<Forecast> at_wanted_levels(std::vector<Forecast> forecasts,
                                       const ForecastOptions& options) {
  for (Forecast& each : forecasts) each = at_levels(std::move(each), options.quantiles);
  return forecasts;
}

}  // namespace

struct Forecaster::Impl {
  EngineOptions options;
  std::unique_ptr<const ForecastModel> model;  // which holds the backend

  // `where` names the model.
  static std::shared_ptr<const Impl> load(Checkpoint checkpoint, const std::string& where,
                                          std::shared_ptr<Backend> backend,
                                          const EngineOptions& options,
                                          const std::optional<QuantizationRecipe>& recipe) {
    const ForecastFamily& family = forecast_family(checkpoint.plan, where);
    const Loadable loadable = prepare_load(std::move(checkpoint), *backend, options, recipe, where);
    return std::make_shared<const Impl>(
        Impl{options, family.load(loadable.checkpoint.plan, *loadable.checkpoint.tensors,
                                  std::move(backend), loadable.options)});
  }

  Backend& backend() const { return *model->loaded().backend; }

  // call() with the backend for this thread alone.
  template <typename Call>
  auto alone(const Call& call) const {
    return translate_bad_alloc([&] {
      const auto turn = backend().exclusive();
      return call();
    });
  }
};

struct ForecastStream::Impl {
  std::shared_ptr<const Forecaster::Impl> forecaster;
  std::unique_ptr<SeriesStream> stream;
};

Forecaster::Forecaster(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Forecaster Forecaster::open(const std::string& name, const EngineOptions& options) {
  return translate_bad_alloc([&] {
    const auto recipe = recipe_of(options);  // a wrong option comes before any file
    std::shared_ptr<Backend> backend = make_backend(options);
    const std::string wanted = name.empty() ? std::string(kDefaultForecaster) : name;
    Checkpoint checkpoint = Checkpoint::open(resolve_model(wanted, model_roots(), options.hub));
    const std::string where = checkpoint.folder.string();
    return Forecaster(Impl::load(std::move(checkpoint), where, backend, options, recipe));
  });
}

Forecaster Forecaster::open_synthetic(const std::string& size, const EngineOptions& options) {
  return translate_bad_alloc([&] {
    std::shared_ptr<Backend> backend = make_backend(options);
    Checkpoint checkpoint = synthetic_checkpoint(size);
    const std::string where = checkpoint.plan.name;
    return Forecaster(
        Impl::load(std::move(checkpoint), where, backend, options, recipe_of_random(options)));
  });
}

const ForecasterFacts& Forecaster::facts() const {
  return require_impl(impl_, "forecaster").model->facts();
}

std::vector<Forecast> Forecaster::forecast(const Series& series,
                                           const ForecastOptions& options) const {
  return std::move(forecast(std::span(&series, 1), options).front());
}

std::vector<std::vector<Forecast>> Forecaster::forecast(std::span<const Series> series,
                                                        const ForecastOptions& options) const {
  const Impl& impl = require_impl(impl_, "forecaster");
  return translate_bad_alloc([&] {
    check_options(options);
    impl.model->check_family_options(options);
    for (std::size_t i = 0; i < series.size(); ++i) {
      const std::string where = str("series ", i + 1);
      check_series(series[i], impl.model->facts(), options, where);
      impl.model->check_horizon(series[i], options, where);
    }
    std::vector<std::vector<Forecast>> out;
    for (std::size_t begin = 0; begin < series.size(); begin += options.batch) {
      check_cancelled(options);
      const auto batch = series.subspan(begin, std::min(options.batch, series.size() - begin));
      auto forecasts = impl.alone([&] { return impl.model->forecast(batch, options); });
      for (std::vector<Forecast>& each : forecasts) {
        out.push_back(at_wanted_levels(std::move(each), options));
      }
    }
    return out;
  });
}

SeriesEmbedding Forecaster::embed(const Values& values) const {
  const Impl& impl = require_impl(impl_, "forecaster");
  return impl.alone([&] {
    check_series(Series{{values}, {}, {}}, impl.model->facts(), {}, "series");
    return impl.model->embed(values);
  });
}

ForecastStream Forecaster::stream(std::size_t targets, std::size_t past_covariates) const {
  const Impl& impl = require_impl(impl_, "forecaster");
  return impl.alone([&] {
    check_stream(targets, past_covariates, impl.model->facts());
    return ForecastStream(std::make_unique<ForecastStream::Impl>(
        ForecastStream::Impl{impl_, impl.model->stream(targets, past_covariates)}));
  });
}

ForecastStream Forecaster::load_stream(const std::filesystem::path& file) const {
  const Impl& impl = require_impl(impl_, "forecaster");
  return impl.alone([&] {
    return ForecastStream(std::make_unique<ForecastStream::Impl>(
        ForecastStream::Impl{impl_, impl.model->load_stream(file)}));
  });
}

const Plan& Forecaster::plan() const {
  return require_impl(impl_, "forecaster").model->loaded().plan;
}

const ForecastModel& Forecaster::model() const {
  return *require_impl(impl_, "forecaster").model;
}

MemoryUse Forecaster::memory() const {
  const Impl& impl = require_impl(impl_, "forecaster");
  MemoryUse use = memory_now();
  const BackendMemory of_backend = impl.backend().memory();
  use.active = of_backend.active;
  use.peak = of_backend.peak;
  use.cache = of_backend.cache;
  use.limit = memory_limit(impl.options, impl.backend());
  return use;
}

ForecastStream::ForecastStream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ForecastStream::ForecastStream(ForecastStream&&) noexcept = default;
ForecastStream& ForecastStream::operator=(ForecastStream&&) noexcept = default;
ForecastStream::~ForecastStream() = default;

ForecastStream::ForecastStream(const ForecastStream& other) {
  if (other.impl_ == nullptr) return;
  const auto& forecaster = other.impl_->forecaster;
  impl_ = forecaster->alone([&] {
    return std::make_unique<Impl>(Impl{forecaster, other.impl_->stream->fork()});
  });
}

ForecastStream& ForecastStream::operator=(const ForecastStream& other) {
  if (this != &other) *this = ForecastStream(other);
  return *this;
}

void ForecastStream::append(std::span<const Values> rows) {
  Impl& impl = require_impl(impl_, "stream");
  check_rows(rows, targets(), past_covariates());
  impl.forecaster->alone([&] { impl.stream->append(rows); });
}

std::vector<Forecast> ForecastStream::forecast(const ForecastOptions& options) const {
  const Impl& impl = require_impl(impl_, "stream");
  check_options(options);
  impl.forecaster->model->check_family_options(options);
  check_cancelled(options);
  if (position() == 0) fail_wanted(ErrorKind::kUsage, "stream", "values before a forecast", "none");
  return impl.forecaster->alone(
      [&] { return at_wanted_levels(impl.stream->forecast(options), options); });
}

std::size_t ForecastStream::targets() const {
  return require_impl(impl_, "stream").stream->targets();
}
std::size_t ForecastStream::past_covariates() const {
  return require_impl(impl_, "stream").stream->past_covariates();
}
std::uint64_t ForecastStream::position() const {
  return require_impl(impl_, "stream").stream->position();
}

void ForecastStream::save(const std::filesystem::path& file) const {
  const Impl& impl = require_impl(impl_, "stream");
  impl.forecaster->alone([&] { impl.stream->save(file); });
}

}  // namespace xlstm
