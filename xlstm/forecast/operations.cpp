#include "xlstm/forecast/operations.h"

namespace xlstm {
namespace {

std::int64_t rows_read_by(const Layer& layer, const Parameter& parameter,
                          const ForecastWork& work) {
  if (parameter.name.ends_with("combination.weight")) return work.known;
  return layer.kind == "tirex2_variate" ? work.mixed : work.rows;
}

double elements_of(const Parameter& parameter) {
  return static_cast<double>(element_count(parameter.shape).value_or(0));
}

}  // namespace

double product_operations(const Plan& plan, const ForecastWork& work) {
  double sum = 0;
  for (const Layer& layer : plan.layers) {
    if (layer.name == "output") continue;
    for (const Parameter& each : layer.parameters) {
      if (each.shape.size() < 2) continue;
      const std::int64_t tokens = rows_read_by(layer, each, work) * work.tokens;
      sum += 2 * elements_of(each) * static_cast<double>(tokens);
    }
  }
  return sum;
}

double share_of_weights_read(const Plan& plan, const ForecastWork& work) {
  double all = 0, read = 0;
  for (const Layer& layer : plan.layers) {
    for (const Parameter& each : layer.parameters) {
      all += elements_of(each);
      if (rows_read_by(layer, each, work) > 0) read += elements_of(each);
    }
  }
  return read / all;
}

}  // namespace xlstm
