// How a figure of a bench is measured: repeats, with probes of the machine beside them.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "xlstm/backend/backend.h"
#include "xlstm/engine/bench.h"
#include "xlstm/group/told.h"

namespace xlstm {

// Throws Error(kUsage) for options out of range.
void check_bench(const BenchOptions& options);

// What one run took a call.
struct Timing {
  double seconds = 0, host = 0;
  double read_gbs = 0;  // from memory, beside it
  std::uint64_t nodes = 0;
};

// What it is given must outlive it.
class Measuring {
 public:
  using Begin = std::function<void()>;
  // Calls begin() once it is ready and begins with what is to be measured.
  using Run = std::function<Timing(const Begin& begin)>;

  Measuring(Backend& backend, const BenchOptions& options,
            const std::function<void(const BenchFigure&)>& on_figure)
      : backend_(backend), options_(options), on_figure_(on_figure) {}

  bool stop() const {
    return options_.cancelled && agreed_answer(backend_.group(), options_.cancelled);
  }

  // Completes a figure whose call is of so many tokens, and hands it over; not where it is to stop.
  void measure(BenchFigure& figure, double tokens, const Run& run) const;

 private:
  kernels::Probe probe(BenchFigure& figure) const;
  double probe_memory() const;
  std::vector<Timing> paired_timings(const Run& run, bool& enough) const;

  Backend& backend_;
  const BenchOptions& options_;
  const std::function<void(const BenchFigure&)>& on_figure_;
};

}  // namespace xlstm
