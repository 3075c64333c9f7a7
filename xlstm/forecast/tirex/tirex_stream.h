// A series that a TiRex model follows. The model scales what it reads and aligns its patches anew
// at every forecast, so what is kept is the newest values: as many as a context, and a forecast is
// that of the whole series, to the bit.
#pragma once

#include <filesystem>

#include "xlstm/forecast/forecast_model.h"

namespace xlstm::tirex {

class TirexStream final : public SeriesStream {
 public:
  explicit TirexStream(const ForecastModel& model) : model_(&model) {}
  static TirexStream load(const ForecastModel& model, const std::filesystem::path& file);

  std::unique_ptr<SeriesStream> fork() const override;
  std::size_t targets() const override { return 1; }
  std::size_t past_covariates() const override { return 0; }
  std::uint64_t position() const override { return position_; }
  void append(std::span<const Values> rows) override;
  std::vector<Forecast> forecast(const ForecastOptions& options) const override;
  void save(const std::filesystem::path& file) const override;

 private:
  const ForecastModel* model_;
  Values window_;  // at most a context's
  std::uint64_t position_ = 0;
};

}  // namespace xlstm::tirex
