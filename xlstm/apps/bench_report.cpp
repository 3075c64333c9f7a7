#include "xlstm/apps/bench_report.h"

#include <cstdio>

#include "xlstm/apps/report.h"
#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/memory.h"
#include "xlstm/engine/forecaster.h"
#include "xlstm/forecast/forecast_model.h"
#include "xlstm/model/model.h"

namespace xlstm::apps {
namespace {

template <class... Values>
std::string formatted(const char* format, Values... values) {
  char text[256];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

std::string what(const BenchFigure& f) {
  if (f.kind == "prefill") return str("prefill ", f.length);
  if (f.kind == "forecast") return str("forecast B", f.batch);
  return str(f.sampler ? "sampled B" : "decode B", f.batch, " at ", f.position);
}

double share_percent(const BenchFigure& f, double peak) {
  return 100 * f.peak_share(peak);
}

std::string profile_text(const BenchFigure& f) {
  double all = 0;
  for (const ProfileEntry& entry : f.profile) all += entry.seconds;
  std::string out;
  for (const ProfileEntry& entry : f.profile) {
    out += formatted("    %-12s %6.1f%% %8llu calls %10.1f us each\n", entry.name.c_str(),
                     100 * entry.seconds / all, static_cast<unsigned long long>(entry.calls),
                     1e6 * entry.seconds / static_cast<double>(entry.calls));
  }
  return out;
}

Json machine_json(const kernels::Probe& probe) {
  return {{"read_gb_per_second", probe.read_gbs}, {"float32_gflops", probe.peak_gflops},
          {"bfloat16_gflops", probe.bf16_gflops}, {"int8_gops", probe.int8_gops},
          {"int4_gops", probe.int4_gops},         {"hand_over_nanoseconds", probe.core_to_core_ns}};
}

Json profile_json(const std::vector<ProfileEntry>& profile) {
  Json out = Json::array();
  for (const ProfileEntry& entry : profile) {
    out.push_back({{"part", entry.name}, {"calls", entry.calls}, {"seconds", entry.seconds}});
  }
  return out;
}

Json figure_json(const BenchFigure& f) {
  Json out = {{"figure", what(f)},
              {"kind", f.kind},
              {"batch", f.batch},
              {"position", f.position},
              {"length", f.length},
              {"sampler", f.sampler},
              {"tokens_per_second", f.tokens_per_second},
              {"slowest", f.slowest},
              {"fastest", f.fastest},
              {"seconds_per_call", f.seconds_per_call},
              {"host_seconds", f.host_seconds},
              {"nodes", f.nodes},
              {"bytes_per_call", f.bytes_per_call},
              {"operations_per_call", f.operations_per_call},
              {"bandwidth_share", f.bandwidth_share()},
              {"float32_share", f.peak_share(f.machine.peak_gflops)},
              {"bfloat16_share", f.peak_share(f.machine.bf16_gflops)},
              {"int8_share", f.peak_share(f.machine.int8_gops)},
              {"steady", f.steady},
              {"state_bytes", f.state_bytes},
              {"active_bytes", f.active_bytes},
              {"peak_bytes", f.peak_bytes},
              {"resident_bytes", f.resident_bytes},
              {"machine", machine_json(f.machine)}};
  if (f.device) {
    out["device"] = {{"copy_gb_per_second", f.device->copy_gbs},
                     {"read_gb_per_second", f.device->read_gbs},
                     {"float32_gflops", f.device->float32_gflops},
                     {"bfloat16_gflops", f.device->bf16_gflops}};
  }
  if (f.kind == "forecast") out["series_per_second"] = f.series_per_second();
  if (!f.profile.empty()) out["profile"] = profile_json(f.profile);
  return out;
}

// The head of the table's columns behind the rates, and a row's.
std::string tail_header() {
  return formatted("%7s %6s %6s %6s %6s %8s %6s %9s   %s\n", "GB/s", "of mem", "of f32", "of b16",
                   "of i8", "host us", "nodes", "resident", "machine: GB/s, ns");
}

std::string tail(const BenchFigure& f) {
  return formatted("%7.1f %5.0f%% %5.0f%% %5.0f%% %5.0f%% %8.1f %6llu %9s   %.1f, %.0f%s\n",
                   f.bytes_per_call / f.seconds_per_call * 1e-9, 100 * f.bandwidth_share(),
                   share_percent(f, f.machine.peak_gflops), share_percent(f, f.machine.bf16_gflops),
                   share_percent(f, f.machine.int8_gops), 1e6 * f.host_seconds,
                   static_cast<unsigned long long>(f.nodes), human_bytes(f.resident_bytes).c_str(),
                   f.machine.read_gbs, f.machine.core_to_core_ns, f.steady ? "" : " ~");
}

std::string rates(const BenchFigure& f) {
  if (f.kind != "forecast") {
    return formatted("%9.1f %8.1f-%8.1f ", f.tokens_per_second, f.slowest, f.fastest);
  }
  return formatted("%9.1f %8.1f-%8.1f %9.0f %9.2f ", f.series_per_second(), f.slowest / f.length,
                   f.fastest / f.length, f.tokens_per_second, 1e3 * f.seconds_per_call);
}

Json figures_json(const std::vector<BenchFigure>& figures) {
  Json out = Json::array();
  for (const BenchFigure& figure : figures) out.push_back(figure_json(figure));
  return out;
}

}  // namespace

std::string bench_header(const Model& model, const BenchOptions& options) {
  const Plan& plan = model.plan();
  const Sampling s = bench_sampling();
  const std::string sampler =
      str("sampled: decode with the sampler, temperature ", s.temperature, ", top-k ", s.top_k,
          ", top-p ", s.top_p, ", min-p ", s.min_p, "\n");
  return str(plan.name, ": ", with_commas(plan.parameter_count()), " parameters, ",
             human_bytes(model.weight_bytes()), " of weights, ",
             human_bytes(model.bytes_per_token()), " moved a token, state ",
             human_bytes(plan.state_bytes()), "\n", options.sampler ? sampler : "", "\n") +
         formatted("%-20s %9s %17s ", "", "tokens/s", "range") + tail_header();
}

std::string bench_header(const Forecaster& forecaster) {
  const Plan& plan = forecaster.plan();
  const ForecasterFacts& facts = forecaster.facts();
  return str(plan.name, ": ", with_commas(plan.parameter_count()), " parameters, ",
             human_bytes(forecaster.model().loaded().weight_bytes), " of weights; forecasts of ",
             facts.patch, " steps from ", facts.context, " values, ", facts.context / facts.patch,
             " tokens\n\n") +
         formatted("%-20s %9s %17s %9s %9s ", "", "series/s", "range", "tokens/s", "ms") +
         tail_header();
}

std::string bench_row(const BenchFigure& f) {
  return formatted("%-20s ", what(f).c_str()) + rates(f) + tail(f) + profile_text(f);
}

Json bench_json(const Model& model, const std::vector<BenchFigure>& figures) {
  return {{"model", model.plan().name},
          {"parameters", model.plan().parameter_count()},
          {"weight_bytes", model.weight_bytes()},
          {"bytes_per_token", model.bytes_per_token()},
          {"dtype", std::string(name_of(model.dtype()))},
          {"figures", figures_json(figures)}};
}

Json bench_json(const Forecaster& forecaster, const std::vector<BenchFigure>& figures) {
  const LoadedPlan& loaded = forecaster.model().loaded();
  return {{"model", loaded.plan.name},
          {"parameters", loaded.plan.parameter_count()},
          {"weight_bytes", loaded.weight_bytes},
          {"dtype", std::string(name_of(loaded.dtype))},
          {"context", forecaster.facts().context},
          {"patch", forecaster.facts().patch},
          {"figures", figures_json(figures)}};
}

std::string bench_csv(const std::vector<BenchFigure>& figures) {
  std::string out =
      "kind,batch,position,length,tokens_per_second,slowest,fastest,seconds_per_call,host_"
      "seconds,"
      "nodes,bandwidth_share,float32_share,bfloat16_share,int8_share,read_gb_per_second,"
      "hand_over_nanoseconds,steady,resident_bytes,sampler\n";
  for (const BenchFigure& f : figures) {
    out += str(f.kind, ",", f.batch, ",", f.position, ",", f.length, ",", f.tokens_per_second, ",",
               f.slowest, ",", f.fastest, ",", f.seconds_per_call, ",", f.host_seconds, ",",
               f.nodes, ",", f.bandwidth_share(), ",", f.peak_share(f.machine.peak_gflops), ",",
               f.peak_share(f.machine.bf16_gflops), ",", f.peak_share(f.machine.int8_gops), ",",
               f.machine.read_gbs, ",", f.machine.core_to_core_ns, ",", f.steady ? 1 : 0, ",",
               f.resident_bytes, ",", f.sampler ? 1 : 0, "\n");
  }
  return out;
}

}  // namespace xlstm::apps
