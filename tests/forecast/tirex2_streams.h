// TiRex-2 models, golden streams and streams longer than a context, on every backend.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "tests/forecast/tirex2_golden.h"
#include "xlstm/forecast/tirex2/follower.h"

namespace xlstm::testing {

struct StreamCase {
  BackendCase backend;
  const char* folder;
  std::int64_t H;
};

class Tirex2Streams : public ::testing::TestWithParam<StreamCase> {
 protected:
  Tirex2Streams()
      : golden_(GetParam().folder),
        model_(golden_.open(GetParam().backend)),
        tirex2_(dynamic_cast<const tirex2::Tirex2Model&>(*model_)) {}

  double bound() const { return forecast_bound(GetParam().backend); }

  // Targets, then past covariates.
  std::vector<Values> all_rows() const {
    std::vector<Values> rows = golden_.rows("stream");
    for (const Values& row : golden_.rows("stream.past")) rows.push_back(row);
    return rows;
  }

  // At the scales of the whole series.
  tirex2::Follower golden_follower() const {
    const auto loc = golden_.numbers("stream.loc"), scale = golden_.numbers("stream.scale");
    std::vector<tirex2::Row> rows(loc.size());
    for (std::size_t r = 0; r < rows.size(); ++r) {
      rows[r].scale = {loc[r], scale[r], false};
      rows[r].is_target = r < golden_.rows("stream").size();
    }
    return {tirex2_.network(), tirex2_.spec(), rows};
  }

  static std::vector<Values> part(const std::vector<Values>& rows, std::size_t begin,
                                  std::size_t end) {
    std::vector<Values> out;
    for (const Values& row : rows) {
      out.emplace_back(row.begin() + static_cast<std::ptrdiff_t>(begin),
                       row.begin() + static_cast<std::ptrdiff_t>(end));
    }
    return out;
  }

  Tirex2Golden golden_;
  std::unique_ptr<const ForecastModel> model_;
  const tirex2::Tirex2Model& tirex2_;
};

// A row that repeats itself has the same scale whenever it is taken, so that a stream beyond the
// context and the forecast of the newest context differ in what the stream still knows alone.
class Tirex2LongStreams : public Tirex2Streams {
 protected:
  std::size_t context() const { return static_cast<std::size_t>(tirex2_.spec().context); }
  // Two targets and a past covariate; the first has a trend.
  std::vector<Values> long_rows(std::size_t length) const {
    std::vector<Values> rows(3, Values(length));
    for (std::size_t t = 0; t < length; ++t) {
      const auto x = static_cast<float>(t);
      rows[0][t] = 3 * x + std::sin(x);
      rows[1][t] = std::cos(0.7F * x) * 20 - 4;
      rows[2][t] = std::sin(0.3F * x + 1);
    }
    return rows;
  }
};

inline std::vector<StreamCase> stream_cases() {
  std::vector<StreamCase> out;
  for (const BackendCase& backend : all_backends()) {
    out.push_back({backend, "tirex2-univariate", 61});
    out.push_back({backend, "tirex2-covariates", 32});
  }
  return out;
}

inline std::string name_of_case(const ::testing::TestParamInfo<StreamCase>& test) {
  return std::string(test.param.backend.name) + "_" +
         (test.param.folder + std::string("tirex2-").size());
}

}  // namespace xlstm::testing
