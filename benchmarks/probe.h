// What this machine can do right now: the yardsticks that kernels are measured by. Bandwidth and
// clock of shared machines change within minutes, so they are probed beside each figure.
#pragma once

namespace xlstm::bench {

struct Probe {
  double read_gbs = 0;      // GB/s read from memory by all threads that kernels use
  double peak_gflops = 0;   // float32 multiply-adds in registers, GFLOP/s (two a multiply-add)
  double hand_over_ns = 0;  // to pass a cache line to another thread
};

// Takes some 100 ms.
Probe probe_machine();

// Whether two probes were taken in the same state of the machine, so that a figure between counts.
bool same_state(const Probe& a, const Probe& b);

}  // namespace xlstm::bench
