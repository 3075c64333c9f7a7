// A series that a TiRex-2 model follows.
//
// At first the newest context of values is kept, and a forecast is that of these. Once it is full
// and shows a scale that later values can keep - a target's value changed P times, a covariate's
// once - scales and trends are those of this context from there on, and each new patch costs one
// token of each row, whatever was read before (Follower). It makes no difference how many values
// come at once.
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
  // Throws Error(kUsage) once it is followed where options ask for what was settled then: a
  // shorter context, one that is not filled up, trends otherwise than the model's config has them,
  // a flipped sign.
  std::vector<Forecast> forecast(const ForecastOptions& options) const override;
  void save(const std::filesystem::path& file) const override;

  // Its rows once it is followed; before, none.
  std::span<const FollowedRow> followed() const {
    return follower_ ? follower_->rows() : std::span<const FollowedRow>();
  }

 private:
  // Reads values into the window until it can be followed; returns how many of each row.
  std::size_t fill_window(std::span<const Values> rows);
  // What is in the window, the end of `position` values of each row.
  Follower follow(std::uint64_t position) const;
  void check_following(const ForecastOptions& options) const;

  const Tirex2Model* model_;
  Series window_;  // the newest values; empty rows once it is followed
  std::optional<Follower> follower_;
  std::uint64_t position_ = 0;
};

}  // namespace xlstm::tirex2
