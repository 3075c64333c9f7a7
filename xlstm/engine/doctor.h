// What this machine offers, and whether the ops compute right on it. `xlstm doctor` shows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "xlstm/engine/engine.h"

namespace xlstm {

struct DeviceFacts {
  std::string name;                            // "cpu", "gpu 0"
  std::map<std::string, std::string> details;  // as MLX tells them: architecture, memory, ...
};

struct MachineFacts {
  std::string system;  // its name, release and processor: "Darwin 25.1.0 arm64"
  std::string mlx_version;
  std::vector<DeviceFacts> devices;  // that this MLX can use
  // Classes of instructions that this CPU has and kernels may use, the one in use first, and the
  // one that XLSTM_SIMD limits them to, empty where it says nothing (kernels/simd/simd.h).
  std::vector<std::string> simd;
  std::string simd_cap;
  // Whether the device in use is a GPU that may round factors of float32 products to TF32, because
  // the user has set MLX_ENABLE_TF32.
  bool tf32 = false;
  std::size_t threads = 0;  // of CPU kernels, unless options say otherwise
};

std::string mlx_version();
MachineFacts machine_facts(const EngineOptions& options = {});

// The process's memory, without an engine; `limit` is what the machine has.
MemoryUse memory_now();

struct CheckResult {
  std::string name;
  double error = 0;                           // largest difference over largest value
  double bound = 0;                           // what rounding allows
  bool ok() const { return error <= bound; }  // not for a NaN
};

// Compares ops with their float64 references on `options`' device and threads: with activations of
// float32, and of bfloat16 where the device computes in it. Takes some seconds at most, but where
// the device compiles its kernels first. Throws Error(kUsage) for a device that is not there.
std::vector<CheckResult> self_test(const EngineOptions& options = {});

}  // namespace xlstm
