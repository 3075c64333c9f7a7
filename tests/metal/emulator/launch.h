// Runs a compiled kernel over a grid: its threads are fibers, the lanes of a SIMD group meet at
// each SIMD function, the threads of a threadgroup at each barrier, and whatever cannot happen in
// Metal, or has no defined result there, is a fault.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/metal/emulator/arena.h"
#include "tests/metal/emulator/compiler.h"
#include "tests/metal/emulator/faults.h"
#include "tests/metal/emulator/fibers.h"
#include "tests/metal/emulator/geometry.h"
#include "tests/metal/emulator/options.h"
#include "tests/metal/shim/runtime.h"

namespace xlstm::metal_emulator {

class Launch {
 public:
  // `buffers`: what the kernel's parameters lead to, all in `arena`.
  Launch(const CompiledKernel& kernel, Fibers& fibers, Arena& arena,
         const std::vector<void*>& buffers, const Geometry& geometry, const Options& options);
  // Runs all threadgroups, one after another. Throws Error(kInternal) with what was found.
  void run();

  // What the kernel calls, on the stack of the thread that runs.
  void* threadgroup_array(const msl::Site& site, std::size_t bytes, unsigned cell);
  const msl::Lanes* exchange(const void* value, unsigned bytes, unsigned spaces,
                             const msl::Site& site);
  void threadgroup_barrier(unsigned spaces, const msl::Site& site);
  void access(const void* address, std::size_t bytes, unsigned kind, const void* pc);
  void fail(const char* what, const msl::Site& site);
  unsigned lane() const { return static_cast<unsigned>(fibers_.running()) % kSimdWidth; }
  // Called by the handler of signals. Does not return where the fault is the kernel's.
  void memory_fault(const void* address, const void* pc, const char* verb);

 private:
  enum class State { kReady, kInSimdFunction, kAtBarrier, kDone };
  struct Thread {
    State state;
    unsigned spaces;  // of the barrier that it waits at
    unsigned slot;    // of its SIMD group, for its next exchange
    msl::Site site;
  };
  // Barriers so far, by the bits of msl::Space: of memory of the device, and of the threadgroup.
  struct Epochs {
    std::uint32_t device = 0, threadgroup = 0;
    void advance(unsigned spaces);
  };
  struct SimdGroup {
    std::array<msl::Lanes, 2> slots;
    Epochs epochs;
  };

  static void run_thread(void* launch, std::size_t thread);
  void run_threadgroup(std::size_t index);
  void start_threads(std::size_t index);
  void advance(std::size_t simd_group);
  bool release_simd_group(std::size_t first, std::size_t last);
  bool release_barrier();
  void wait(State state, unsigned spaces, const msl::Site& site);
  void diverged(std::size_t one, std::size_t other);
  void check_outputs();
  [[noreturn]] void stop(Fault fault);
  Moment now(Role role, const void* pc) const;
  void shuffle(std::vector<std::size_t>& order);

  const CompiledKernel& kernel_;
  Arena& arena_;
  const std::vector<void*>& buffers_;
  const Geometry& geometry_;
  const Options& options_;
  msl::Runtime runtime_;
  std::array<unsigned char[2][2], kSimdWidth> places_;  // of the elements of a simdgroup_matrix
  Faults faults_;
  Fibers& fibers_;
  std::vector<Thread> threads_;          // of the threadgroup that runs
  std::vector<msl::Thread> attributes_;  // theirs
  std::vector<SimdGroup> simd_groups_;
  std::vector<std::size_t> lane_order_, simd_order_;
  struct Shared {
    msl::Site site;
    Array* array;
  };
  std::vector<Shared> shared_;  // threadgroup memory
  std::size_t shared_bytes_ = 0;
  std::size_t threadgroup_ = 0;
  Epochs epochs_;
  std::uint64_t random_;
  bool stopped_ = false;
};

}  // namespace xlstm::metal_emulator
