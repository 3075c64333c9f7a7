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
// stream belongs to one thread at a time.
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

// What a model can do.
struct ForecasterFacts {
  std::string name;              // "tides-1m"
  std::string family;            // "tirex", "tirex-2"
  std::int64_t context = 0;      // the most values of a series that are read
  std::int64_t patch = 0;        // values a token
  std::int64_t horizon = 0;      // the most steps; 0: any
  std::vector<float> levels;     // of its quantiles, rising
  bool several_targets = false;  // forecast together
  bool past_covariates = false;
  bool known_covariates = false;
};

// What the layers make of a series: spec of TiRex's embeddings.
struct SeriesEmbedding {
  std::int64_t tokens = 0, layers = 0, width = 0;
  std::vector<float> values;  // [tokens, layers, width]
};

// A series that goes on: what was read is kept as a state of constant size.
class ForecastStream {
 public:
  ForecastStream(const ForecastStream& other);  // a fork
  ForecastStream& operator=(const ForecastStream& other);
  ForecastStream(ForecastStream&&) noexcept;
  ForecastStream& operator=(ForecastStream&&) noexcept;
  ~ForecastStream();

  // New values behind what was read: of each target, then of each past covariate, all of one
  // length.
  void append(std::span<const Values> rows);
  // One forecast for each target.
  std::vector<Forecast> forecast(const ForecastOptions& options = {}) const;
  std::uint64_t position() const;  // values read, of each row
  void save(const std::filesystem::path& file) const;

 private:
  friend class Forecaster;
  struct Impl;
  explicit ForecastStream(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class Forecaster {
 public:
  // A model's name, folder, file or repository, as Engine::open takes it.
  static Forecaster open(const std::string& name = "tides-1m", const EngineOptions& options = {});

  const ForecasterFacts& facts() const;

  // One forecast for each target. Throws Error(kUsage) for a series without values, covariates of
  // the wrong length, what the model does not take, options out of range.
  std::vector<Forecast> forecast(const Series& series, const ForecastOptions& options = {}) const;
  // Of each series one for each of its targets. Lengths may differ; errors name the series.
  std::vector<std::vector<Forecast>> forecast(std::span<const Series> series,
                                              const ForecastOptions& options = {}) const;

  SeriesEmbedding embed(const Values& values) const;

  ForecastStream stream(std::size_t targets = 1, std::size_t past_covariates = 0) const;
  ForecastStream load_stream(const std::filesystem::path& file) const;

 private:
  struct Impl;
  explicit Forecaster(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace xlstm
