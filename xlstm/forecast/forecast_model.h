// One family's way from series to quantiles. A family is an entry in the table of
// forecast_families.cpp; engine/forecaster.h is what programs call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/forecast/series.h"
#include "xlstm/model/loaded_plan.h"

namespace xlstm {

// A series that goes on. One thread at a time.
class SeriesStream {
 public:
  virtual ~SeriesStream() = default;

  virtual std::unique_ptr<SeriesStream> fork() const = 0;
  virtual std::size_t targets() const = 0;
  virtual std::size_t past_covariates() const = 0;
  virtual std::uint64_t position() const = 0;  // values read, of each row

  // Values behind what was read: rows of the targets, then of the past covariates, as many as there
  // are and all of one length.
  virtual void append(std::span<const Values> rows) = 0;
  // One for each target, at the model's own levels; options passed check_options() and
  // check_family_options(). Throws Error(kUsage) for options that a stream does not take and for
  // more steps than can be forecast.
  virtual std::vector<Forecast> forecast(const ForecastOptions& options) const = 0;
  // Whole or not at all, with the model's fingerprint.
  virtual void save(const std::filesystem::path& file) const = 0;
};

// Immutable. Whoever calls it holds its backend alone (Backend::exclusive()).
class ForecastModel {
 public:
  virtual ~ForecastModel() = default;

  virtual const ForecasterFacts& facts() const = 0;
  virtual const LoadedPlan& loaded() const = 0;  // and its backend

  // Throws Error(kUsage) for options of another family.
  virtual void check_family_options(const ForecastOptions& options) const = 0;
  // Throws Error(kUsage), which names `where`, for more steps than can be forecast of the series.
  virtual void check_horizon(const Series& series, const ForecastOptions& options,
                             const std::string& where) const = 0;

  // Of each series one for each target, at the model's own levels. Series and options passed
  // check_series(), check_options() and the checks above; a forecast has min(horizon,
  // facts().horizon) steps. What a series gets depends on the others by rounding alone.
  virtual std::vector<std::vector<Forecast>> forecast(std::span<const Series> batch,
                                                      const ForecastOptions& options) const = 0;
  virtual SeriesEmbedding embed(const Values& values) const = 0;

  virtual std::unique_ptr<SeriesStream> stream(std::size_t targets,
                                               std::size_t past_covariates) const = 0;
  // Throws Error: kFile (unreadable), kFormat (damaged, or no stream), kModel (another model's).
  virtual std::unique_ptr<SeriesStream> load_stream(const std::filesystem::path& file) const = 0;
};

struct ForecastFamily {
  std::string_view name;  // Plan::family
  // Throws Error as load_plan() does.
  std::unique_ptr<const ForecastModel> (*load)(const Plan& plan, const TensorSource& source,
                                               std::shared_ptr<Backend> backend,
                                               const LoadOptions& options);
};

// Null for a family that does not forecast.
const ForecastFamily* find_forecast_family(std::string_view name);

}  // namespace xlstm
