// Figures of xlstm bench, for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "xlstm/base/json_fwd.h"
#include "xlstm/engine/bench.h"

namespace xlstm {
class Forecaster;
class Model;
}  // namespace xlstm

namespace xlstm::apps {

// What is measured, and the table's head.
std::string bench_header(const Model& model, const BenchOptions& options);
std::string bench_header(const Forecaster& forecaster);
std::string bench_row(const BenchFigure& figure);  // a line, and its profile
Json bench_json(const Model& model, const std::vector<BenchFigure>& figures);
Json bench_json(const Forecaster& forecaster, const std::vector<BenchFigure>& figures);
std::string bench_csv(const std::vector<BenchFigure>& figures);

}  // namespace xlstm::apps
