// Forecasters and golden forecasts as tests open them.
#pragma once

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/backend/backends.h"
#include "xlstm/cpu/cpu_backend.h"
#include "xlstm/forecast/forecast_model.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm::testing {

inline std::filesystem::path golden_folder() {
  return std::filesystem::path(XLSTM_TEST_DATA) / "golden";
}
inline std::filesystem::path tides_folder() {
  return std::filesystem::path(XLSTM_SOURCE_DIR) / "models/tides-1m";
}

inline std::unique_ptr<const ForecastModel> open_forecaster(
    const std::filesystem::path& folder, DType weights = DType::kF32,
    std::shared_ptr<Backend> backend = cpu::make_backend(2)) {
  const Checkpoint checkpoint = Checkpoint::open(folder);
  LoadOptions options;
  options.dtype = weights;
  return find_forecast_family(checkpoint.plan.family)
      ->load(checkpoint.plan, *checkpoint.tensors, std::move(backend), options);
}

// A float tensor of a golden file.
inline std::vector<float> read_golden(const TensorSource& golden, const std::string& name) {
  const std::size_t index = golden.find(name);
  if (index == TensorSource::npos) throw std::runtime_error("golden file lacks " + name);
  const auto bytes = golden.read_all(index);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// Largest |a - b| over largest |b|; infinity when sizes differ or something is not finite.
inline double relative_error(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i])) return std::numeric_limits<double>::infinity();
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - b[i]));
    largest = std::max(largest, std::abs(static_cast<double>(b[i])));
  }
  return difference / largest;
}

inline Forecast forecast_one(const ForecastModel& model, const Values& values,
                             const ForecastOptions& options) {
  const Series series{{values}, {}, {}};
  return model.forecast(std::span(&series, 1), options).front().front();
}

}  // namespace xlstm::testing
