// How a TiRex model forecasts (the `tirex` package 1.4): each step reads the newest values of the
// series and what was forecast before as missing ones; its own forecasts are never fed back.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "xlstm/forecast/forecast_model.h"
#include "xlstm/forecast/tirex/padding_states.h"
#include "xlstm/forecast/tirex/resampling.h"
#include "xlstm/model/series_model.h"
#include "xlstm/wiring/families/tirex/tirex.h"

namespace xlstm::tirex {

class TirexModel final : public ForecastModel {
 public:
  explicit TirexModel(SeriesModel model);

  const ForecasterFacts& facts() const override { return facts_; }
  const LoadedPlan& loaded() const override { return model_.loaded(); }

  void check_family_options(const ForecastOptions& options) const override;
  // Steps behind a context of missing values would be forecast from nothing.
  void check_horizon(const Series& series, const ForecastOptions& options,
                     const std::string& where) const override;
  std::vector<std::vector<Forecast>> forecast(std::span<const Series> batch,
                                              const ForecastOptions& options) const override;
  SeriesEmbedding embed(const Values& values) const override;
  std::unique_ptr<SeriesStream> stream(std::size_t targets,
                                       std::size_t past_covariates) const override;
  std::unique_ptr<SeriesStream> load_stream(const std::filesystem::path& file) const override;

 private:
  using Contexts = std::span<const std::span<const float>>;

  // Series that go through the model together: before each lie as many tokens of padding, whose
  // states are known.
  struct Pass {
    std::int64_t skipped = 0;       // tokens of padding
    std::vector<std::size_t> rows;  // indices of contexts
  };
  std::vector<Pass> passes(Contexts contexts, std::int64_t missing, std::int64_t patches) const;

  Resampling resampling_of(const Series& series, const ForecastOptions& options) const;
  // Of each context the quantiles [patches * P, Q] of the values behind it.
  std::vector<std::vector<float>> roll_out(Contexts contexts, std::int64_t patches,
                                           const ForecastOptions& options) const;
  // Adds those of `patches` patches behind the pass's contexts and `missing` values.
  void add_step(Contexts contexts, const Pass& pass, std::int64_t missing, std::int64_t patches,
                std::vector<std::vector<float>>& out) const;
  std::int64_t tokens() const { return spec_.context / spec_.P; }  // of a context

  SeriesModel model_;
  mutable PaddingStates padding_;  // for who holds the backend, as all callers do
  SeriesSpec spec_;
  ForecasterFacts facts_;
};

std::unique_ptr<const ForecastModel> load_forecast_model(const Plan& plan,
                                                         const TensorSource& source,
                                                         std::shared_ptr<Backend> backend,
                                                         const LoadOptions& options);

}  // namespace xlstm::tirex
