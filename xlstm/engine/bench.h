// How fast a model runs here, beside what the machine can do.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "xlstm/backend/device_rates.h"
#include "xlstm/backend/sampling.h"
#include "xlstm/base/profile.h"
#include "xlstm/engine/tuning.h"
#include "xlstm/kernels/probe/probe.h"

namespace xlstm {

class Forecaster;
class Model;

struct BenchOptions {
  std::vector<int> batches = {1};  // sequences that decode together; series forecast at once
  std::vector<std::int64_t> positions = {100};  // where decode is measured; really walked to
  std::vector<int> prefills = {512};            // lengths of prompts
  int steps = 8;                                // tokens of a decode measurement
  int repeats = 9;                              // measurements of a figure; the median counts
  bool profile = false;                         // also say which parts the time went to
  bool sampler = false;                  // decode with bench_sampling(), not by the likeliest
  std::function<bool()> cancelled = {};  // asked between measurements
};

// What a decode with the sampler asks it for: temperature 0.8, top-k 50, top-p 0.9, min-p 0.05.
Sampling bench_sampling();

// One figure: a decode of `batch` sequences at `position`, the reading of a prompt of `length`, or
// a forecast of `batch` series of `length` tokens.
struct BenchFigure {
  std::string kind;  // "decode", "prefill" or "forecast"
  int batch = 1;
  std::int64_t position = 0;                               // decode: tokens read before
  int length = 0;                                          // prefill, forecast
  bool sampler = false;                                    // whether a decode's tokens were drawn
  double tokens_per_second = 0, slowest = 0, fastest = 0;  // median and range of the repeats
  double seconds_per_call = 0;     // a step, the whole prompt, or the forecast
  double host_seconds = 0;         // of that, spent to build a graph and hand it over
  std::uint64_t nodes = 0;         // of that graph, a call; 0 where ops run when they are called
  double bytes_per_call = 0;       // weights and state moved, at least
  double operations_per_call = 0;  // multiplications and additions of the matrix products
  // read_gbs: beside the measurement that counts; else the mean of the probes before and after the
  // figure. On a device of its own: its rates, read_gbs that of a copy, and 0 where it has none.
  kernels::Probe machine;
  std::optional<DeviceRates> device;  // as it was after the figure
  bool steady = true;                 // whether the machine kept its state meanwhile
  std::uint64_t state_bytes = 0, active_bytes = 0, peak_bytes = 0, resident_bytes = 0;
  std::vector<ProfileEntry> profile;

  // Forecasts, of all tokens of a series; 0 for other kinds.
  double series_per_second() const;
  double bandwidth_share() const;  // of what was read a second, in what memory gives
  // Of the arithmetic, in the rate of the widest instruction that may serve these weights.
  double peak_share(double peak_gops) const;
};

// Measures decode at each position and batch, then prefill at each length, and calls on_figure with
// each. Clock and hand-over time are probed around every figure, memory bandwidth around each of
// its measurements, by one pass over memory (on a GPU by a copy within its own): neighbours come
// and go within tenths of a second and slow both down alike. A measurement between passes that
// differ by over a tenth is taken again (at most 4 * repeats in all). The one whose share of
// bandwidth (of a decode) or time (of a prompt) is the median counts. Throws Error(kUsage) for
// options out of range.
void run_bench(const Model& model, const BenchOptions& options,
               const std::function<void(const BenchFigure&)>& on_figure);

// The same of forecasts, for each batch: series of single targets, each a whole context, one patch
// ahead. Of the options only batches, repeats, profile and cancelled count, of the times the
// median.
void run_bench(const Forecaster& forecaster, const BenchOptions& options,
               const std::function<void(const BenchFigure&)>& on_figure);

// Measures what the model's backend leaves to choose (tuning.h), and leaves the fastest in use:
// choices that show in decodes by the batches and positions of the options, those that show in
// prompts by their lengths; where the options have none, by one sequence at 100 tokens and by 512.
std::vector<TunedChoice> tune_bench(const Model& model, const BenchOptions& options,
                                    const std::function<void(const TunedChoice&)>& on_choice);

}  // namespace xlstm
