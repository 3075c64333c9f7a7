// How a TiRex-2 model forecasts (the `tirex-2` package 0.4.0): targets and covariates of a series
// together, all steps by one pass.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "xlstm/forecast/forecast_model.h"
#include "xlstm/forecast/tirex2/bands.h"
#include "xlstm/forecast/tirex2/rows.h"
#include "xlstm/model/tirex2/network.h"

namespace xlstm::tirex2 {

class Tirex2Model final : public ForecastModel {
 public:
  explicit Tirex2Model(Network network);

  const ForecasterFacts& facts() const override { return facts_; }
  const LoadedPlan& loaded() const override { return network_.loaded(); }
  const Network& network() const { return network_; }
  const SeriesSpec& spec() const { return spec_; }

  void check_family_options(const ForecastOptions& options) const override;
  // Those beyond facts().horizon do not come.
  void check_horizon(const Series& /*series*/, const ForecastOptions& /*options*/,
                     const std::string& /*where*/) const override {}
  std::vector<std::vector<Forecast>> forecast(std::span<const Series> batch,
                                              const ForecastOptions& options) const override;
  SeriesEmbedding embed(const Values& values) const override;
  std::unique_ptr<SeriesStream> stream(std::size_t targets,
                                       std::size_t past_covariates) const override;
  std::unique_ptr<SeriesStream> load_stream(const std::filesystem::path& file) const override;

 private:
  // Of each series the quantiles of each target.
  using Answers = std::vector<std::vector<Quantiles>>;

  Answers answers(std::span<const Series> batch, const ForecastOptions& options, bool negate) const;
  // Of samples that compute as many tokens, together. `out` has their places.
  void add_answers(std::span<const Sample* const> samples, std::int64_t H,
                   std::span<std::vector<Quantiles>* const> out) const;

  Network network_;
  SeriesSpec spec_;
  ForecasterFacts facts_;
};

// What the network says of one target, y [patches, Q * P], of which the first `skipped` values are
// passed over, as an answer of H steps: in the row's own units, with the band that follows.
Quantiles answer_of(std::span<const float> y, const SeriesSpec& spec, const Row& row,
                    std::int64_t skipped, std::int64_t H);

// Quantiles as programs get them.
Forecast to_forecast(const Quantiles& quantiles, const SeriesSpec& spec);

std::unique_ptr<const ForecastModel> load_forecast_model(const Plan& plan,
                                                         const TensorSource& source,
                                                         std::shared_ptr<Backend> backend,
                                                         const LoadOptions& options);

}  // namespace xlstm::tirex2
