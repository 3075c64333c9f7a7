// What this machine can do right now: the yardsticks that speed is measured by. Bandwidth and clock
// of shared machines change within minutes, so they are probed beside each figure.
#pragma once

#include "xlstm/base/thread_pool.h"

namespace xlstm::kernels {

struct Probe {
  double read_gbs = 0;     // GB/s read from memory by all threads
  double peak_gflops = 0;  // float32 multiply-adds in registers, GFLOP/s (two a multiply-add)
  double bf16_gflops = 0;  // bfloat16 products added in float32; 0 where there is no instruction
  double int8_gops = 0;    // 8-bit products added in int32; likewise
  double int4_gops = 0;    // of 8-bit and 4-bit numbers, where AVX2 is quicker with these
  double core_to_core_ns = 0;  // to pass a cache line to another thread; 0 with one thread
};

// Takes some 100 ms.
Probe probe_machine(ThreadPool& pool);

// GB/s of one pass over 256 MiB: some 10 ms.
double probe_read(ThreadPool& pool);

// Whether two probes were taken in the same state of the machine, so that a figure between counts.
bool same_state(const Probe& a, const Probe& b);

Probe mean(const Probe& a, const Probe& b);

}  // namespace xlstm::kernels
