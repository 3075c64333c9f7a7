// What lies between a series and its forecast: rows, scales, tokens and every block, against the
// golden intermediate tensors.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/forecast/tirex2_golden.h"
#include "xlstm/base/error.h"
#include "xlstm/forecast/tirex2/sample_batch.h"

namespace xlstm::testing {
namespace {

using tirex2::Row;
using tirex2::Sample;
using tirex2::SampleBatch;
using tirex2::Tirex2Model;

struct Case {
  BackendCase backend;
  const char* folder;
  const char* series;
  std::int64_t H;
};

// float32 against float32, relative to the largest entry of each tensor.
double tensor_bound(const BackendCase& backend) {
  return backend.is_float32() ? 1e-4 : 0.1;
}

class Tirex2Tensors : public ::testing::TestWithParam<Case> {
 protected:
  Tirex2Tensors()
      : golden_(GetParam().folder),
        model_(golden_.open(GetParam().backend)),
        tirex2_(dynamic_cast<const Tirex2Model&>(*model_)),
        sample_(tirex2::sample_of(golden_.series(GetParam().series), tirex2_.spec(),
                                  {GetParam().H, true, false, false})) {
    sample_.computed = sample_.tokens;  // the golden tensors have all
  }

  std::vector<float> golden(const std::string& name) const {
    return golden_.numbers(std::string(GetParam().series) + ".dbg." + name);
  }

  Tirex2Golden golden_;
  std::unique_ptr<const ForecastModel> model_;
  const Tirex2Model& tirex2_;
  Sample sample_;
};

// Equal numbers, or both missing.
void expect_near(float got, float wanted, double tolerance, const std::string& where) {
  if (std::isnan(wanted)) {
    EXPECT_TRUE(std::isnan(got)) << where;
  } else {
    EXPECT_NEAR(got, wanted, tolerance) << where;
  }
}

TEST_P(Tirex2Tensors, RowsAndScales) {
  const auto x = golden("x"), scaled = golden("scaled"), loc = golden("loc");
  const auto scale = golden("scale"), known = golden("known");
  ASSERT_EQ(sample_.rows.size(), loc.size());
  for (std::size_t r = 0; r < sample_.rows.size(); ++r) {
    const Row& row = sample_.rows[r];
    const std::size_t columns = row.values.size();
    ASSERT_EQ(columns * loc.size(), x.size());
    EXPECT_EQ(row.is_known, known[r] == 1) << r;
    // The package sums up to 600 values in float32: 600 * 2^-24 of their size.
    expect_near(row.scale.loc, loc[r], 4e-5 * std::abs(loc[r]) + 1e-6, "loc");
    expect_near(row.scale.scale, scale[r], 4e-5 * scale[r], "scale");
    for (std::size_t at = 0; at < columns; ++at) {
      expect_near(row.values[at], x[r * columns + at], 0, str("x ", r, ", ", at));
      expect_near(tirex2::scaled(row.values[at], row.scale, tirex2_.spec()),
                  scaled[r * columns + at], 1e-4, str("scaled ", r, ", ", at));
    }
  }
}

TEST_P(Tirex2Tensors, EveryBlock) {
  const Sample* const only = &sample_;
  const SampleBatch batch(std::span(&only, 1));
  Backend& b = tirex2_.network().backend();
  // Row r of the golden tensors, R rows of S * D numbers, in the network's order.
  const auto in_order = [&](const std::vector<float>& all, bool targets_alone) {
    const std::size_t width = all.size() / sample_.rows.size();
    std::vector<float> out;
    for (const Row* row : batch.order) {
      if (targets_alone && !row->is_target) continue;
      const auto r = static_cast<std::ptrdiff_t>(row - sample_.rows.data());
      const auto from = all.begin() + r * static_cast<std::ptrdiff_t>(width);
      out.insert(out.end(), from, from + static_cast<std::ptrdiff_t>(width));
    }
    return out;
  };
  double worst = 0;
  const auto compare = [&](const std::string& name, const Tensor& got, bool targets_alone) {
    const double error = relative_error(values_of(b, got), in_order(golden(name), targets_alone));
    EXPECT_LE(error, tensor_bound(GetParam().backend)) << name;
    worst = std::max(worst, error);
  };
  int layers = 0;
  const auto on_layer = [&](const std::string& layer, const Tensor& x) {
    compare(layer == "input" ? "embed" : "block" + layer.substr(layer.find('.') + 1), x, false);
    ++layers;
  };
  const std::int64_t S = sample_.tokens, P = tirex2_.spec().P;
  const Tensor tokens = b.floats({batch.rows.R * S, 2 * P}, batch.tokens(tirex2_.spec()));
  compare("y", tirex2_.network().forward(tokens, batch.rows, 0, S, on_layer), true);
  EXPECT_GE(layers, 4);
  std::printf("%s: tensors within %.1e\n", GetParam().folder, worst);
}

std::vector<Case> cases() {
  std::vector<Case> out;
  for (const BackendCase& backend : all_backends()) {
    out.push_back({backend, "tirex2-univariate", "gaps", 29});
    out.push_back({backend, "tirex2-covariates", "both", 32});
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Backends, Tirex2Tensors, ::testing::ValuesIn(cases()),
                         [](const auto& test) {
                           return std::string(test.param.backend.name) + "_" + test.param.series;
                         });

}  // namespace
}  // namespace xlstm::testing
