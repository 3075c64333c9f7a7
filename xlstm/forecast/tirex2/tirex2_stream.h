// A series that a TiRex-2 model follows.
//
// Until the model's context is full all values are kept, and a forecast is that of the whole
// series. Then scales and trends are those of the newest context from there on, and each new patch
// costs one token of each row, whatever was read before (Follower).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "xlstm/forecast/forecast_model.h"
#include "xlstm/forecast/stream_file.h"
#include "xlstm/forecast/tirex2/follower.h"

namespace xlstm::tirex2 {

class Tirex2Model;

class Tirex2Stream final : public SeriesStream {
 public:
  Tirex2Stream(const Tirex2Model& model, std::size_t targets, std::size_t past_covariates);
  static Tirex2Stream load(const Tirex2Model& model, const std::filesystem::path& file);

  std::unique_ptr<SeriesStream> fork() const override;
  std::size_t targets() const override { return window_.targets.size(); }
  std::size_t past_covariates() const override { return window_.past.size(); }
  std::uint64_t position() const override { return position_; }

  // What throws leaves the stream as it was.
  void append(std::span<const Values> rows) override;
  // Throws Error(kUsage) once the context is full where options ask for what was settled then: a
  // shorter context, one that is not filled up, trends otherwise than the model's config has them,
  // a flipped sign.
  std::vector<Forecast> forecast(const ForecastOptions& options) const override;
  void save(const std::filesystem::path& file) const override;

  // Its rows once the context is full; before, none.
  std::span<const FollowedRow> followed() const {
    return follower_ ? follower_->rows() : std::span<const FollowedRow>();
  }

 private:
  // The newest context of what was read, `position` values of each row.
  Follower follow(const Series& window, std::uint64_t position) const;
  void check_following(const ForecastOptions& options) const;

  const Tirex2Model* model_;
  Series window_;  // what was read; empty rows once it is followed
  std::optional<Follower> follower_;
  std::uint64_t position_ = 0;
};

}  // namespace xlstm::tirex2
