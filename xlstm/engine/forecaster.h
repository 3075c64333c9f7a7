// Forecasting on one screen: open a model of the TiRex family, hand it series, get quantiles.
//
//   auto forecaster = xlstm::Forecaster::open("tides-1m");
//   auto forecast = forecaster.forecast({.targets = {values}}, {.horizon = 24}).front();
//   float median_of_tomorrow = forecast.at(0, 4);
//
//   auto stream = forecaster.stream();
//   stream.append({{112.0F}});                            // one new value of its only target
//   auto updated = stream.forecast({.horizon = 24});      // constant cost, whatever was read
//
// Everything throws xlstm::Error (base/error.h). Several threads may share a forecaster, and each
// stream belongs to one thread at a time. One that was moved from can be copied and assigned to;
// all else is Error(kUsage).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "xlstm/engine/engine.h"
#include "xlstm/forecast/series.h"

namespace xlstm {

class ForecastModel;

// A series that goes on: what was read is kept as a state of constant size.
class ForecastStream {
 public:
  ForecastStream(const ForecastStream& other);  // a fork
  ForecastStream& operator=(const ForecastStream& other);
  ForecastStream(ForecastStream&&) noexcept;
  ForecastStream& operator=(ForecastStream&&) noexcept;
  ~ForecastStream();

  // New values behind what was read: of each target, then of each past covariate, all of one
  // length. Throws Error(kUsage) where rows are missing or of unequal lengths.
  void append(std::span<const Values> rows);
  void append(const std::vector<Values>& rows) { append(std::span(rows)); }
  // One forecast for each target. Throws Error(kUsage) where nothing was read, and for options that
  // a stream of this family does not take.
  std::vector<Forecast> forecast(const ForecastOptions& options = {}) const;
  std::size_t targets() const;
  std::size_t past_covariates() const;
  std::uint64_t position() const;  // values read, of each row
  // Whole or not at all; throws Error(kFile).
  void save(const std::filesystem::path& file) const;

 private:
  friend class Forecaster;
  struct Impl;
  explicit ForecastStream(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class Forecaster {
 public:
  // A model's name, folder, file or repository, as Engine::open takes it. Throws Error(kModel) for
  // a language model; else as Engine::open does.
  static Forecaster open(const std::string& name = "tides-1m", const EngineOptions& options = {});

  // One of random weights, for benchmarks; `size` is one of model/synthetic.h. Throws Error: kUsage
  // (size, options), kMemory (when it cannot fit), kModel (a language model's size).
  static Forecaster open_synthetic(const std::string& size, const EngineOptions& options = {});

  const ForecasterFacts& facts() const;

  // One forecast for each target. Throws Error(kUsage) for a series without values, covariates of
  // the wrong length, what the model does not take, options out of range, more steps than can be
  // forecast of it.
  std::vector<Forecast> forecast(const Series& series, const ForecastOptions& options = {}) const;
  // Of each series one for each of its targets. Lengths may differ; errors name the series. What
  // one gets depends on the others by rounding alone.
  std::vector<std::vector<Forecast>> forecast(std::span<const Series> series,
                                              const ForecastOptions& options = {}) const;

  // What each block makes of the tokens that hold values. Throws Error(kUsage) for values that
  // cannot be forecast.
  SeriesEmbedding embed(const Values& values) const;

  // A stream that has read nothing. Throws Error(kUsage) for rows that the model does not take, and
  // for more than kMostRows of forecast/checks.h.
  ForecastStream stream(std::size_t targets = 1, std::size_t past_covariates = 0) const;
  // Throws Error: kFile (unreadable), kFormat (damaged, or no stream), kModel (another model's).
  ForecastStream load_stream(const std::filesystem::path& file) const;

  const Plan& plan() const;
  const ForecastModel& model() const;  // forecast/forecast_model.h
  MemoryUse memory() const;

 private:
  friend class ForecastStream;
  struct Impl;
  explicit Forecaster(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace xlstm
