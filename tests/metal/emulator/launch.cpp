#include "tests/metal/emulator/launch.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "tests/metal/emulator/fiber_switch.h"
#include "tests/metal/emulator/memory_faults.h"
#include "xlstm/base/ceil_div.h"

namespace xlstm::metal_emulator {
namespace {

Launch& launch_of(void* self) {
  return *static_cast<Launch*>(self);
}

// Rows and columns of the elements of a simdgroup_matrix, as Apple's GPUs have them (and MLX relies
// on), or, permuted, as none has: lanes in another order, and each lane's two elements exchanged.
void set_places(bool permute, std::array<unsigned char[2][2], kSimdWidth>& places) {
  for (unsigned i = 0; i < 32; ++i) {
    const unsigned lane = permute ? (i * 11 + 5) % 32 : i;
    for (unsigned element = 0; element < 2; ++element) {
      const unsigned second = permute ? 1 - element : element;
      places[i][element][0] = static_cast<unsigned char>((lane >> 4 & 1) * 4 + (lane >> 1 & 3));
      places[i][element][1] =
          static_cast<unsigned char>((lane >> 3 & 1) * 4 + (lane & 1) * 2 + second);
    }
  }
}

}  // namespace

void Launch::Epochs::advance(unsigned spaces) {
  device += (spaces & msl::kDeviceSpace) != 0;
  threadgroup += (spaces & msl::kThreadgroupSpace) != 0;
}

Launch::Launch(const CompiledKernel& kernel, Fibers& fibers, Arena& arena,
               const std::vector<void*>& buffers, const Geometry& geometry, const Options& options)
    : kernel_(kernel),
      arena_(arena),
      buffers_(buffers),
      geometry_(geometry),
      options_(options),
      faults_(kernel, geometry),
      fibers_(fibers),
      simd_groups_(ceil_div(volume(geometry.group), kSimdWidth)),
      random_(options.seed) {
  set_places(options.permute_matrices, places_);
  runtime_.self = this;
  runtime_.threadgroup_array = [](void* self, const msl::Site& site, unsigned long bytes,
                                  unsigned cell) {
    return launch_of(self).threadgroup_array(site, bytes, cell);
  };
  runtime_.exchange = [](void* self, const void* value, unsigned bytes, const msl::Site& site) {
    return launch_of(self).exchange(value, bytes, msl::kNoSpace, site);
  };
  runtime_.simdgroup_barrier = [](void* self, unsigned spaces, const msl::Site& site) {
    launch_of(self).exchange(nullptr, 0, spaces, site);
  };
  runtime_.threadgroup_barrier = [](void* self, unsigned spaces, const msl::Site& site) {
    launch_of(self).threadgroup_barrier(spaces, site);
  };
  runtime_.access = [](void* self, const void* address, unsigned long bytes, unsigned kind,
                       const void* pc) { launch_of(self).access(address, bytes, kind, pc); };
  runtime_.fail = [](void* self, const char* what, const msl::Site& site) {
    launch_of(self).fail(what, site);
  };
  runtime_.lane = [](void* self) { return launch_of(self).lane(); };
  runtime_.matrix_places = places_.data();
}

void Launch::run() {
  const FlushDenormals denormals(options_.flush_denormals);
  const MemoryFaults handler(*this);
  kernel_.begin(runtime_);
  std::vector<std::size_t> order(geometry_.group_count());
  std::iota(order.begin(), order.end(), 0);
  shuffle(order);
  for (const std::size_t index : order) {
    run_threadgroup(index);
    if (stopped_) break;
  }
  if (options_.checked && !stopped_) check_outputs();
  faults_.throw_any();
}

void Launch::run_thread(void* launch, std::size_t thread) {
  Launch& self = launch_of(launch);
  self.kernel_.call(self.buffers_.data(), self.attributes_[thread]);
  self.threads_[thread].state = State::kDone;
  self.fibers_.give_way();
}

void Launch::start_threads(std::size_t index) {
  const std::size_t count = volume(geometry_.group_size(index));
  threads_.assign(count, Thread{State::kReady, 0, 0, {}});
  attributes_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    attributes_[i] = geometry_.attributes(index, i);
    fibers_.prepare(i, &run_thread, this);
  }
  for (SimdGroup& group : simd_groups_) group.epochs = {};
  for (const Shared& shared : shared_) {
    fill_with_nan(*shared.array);
    shared.array->shadow.forget();
  }
  threadgroup_ = index;
  epochs_ = {};
  simd_order_.resize(ceil_div(count, kSimdWidth));
  std::iota(simd_order_.begin(), simd_order_.end(), 0);
}

void Launch::wait(State state, unsigned spaces, const msl::Site& site) {
  Thread& thread = threads_[fibers_.running()];
  thread.state = state;
  thread.spaces = spaces;
  thread.site = site;
  fibers_.give_way();
}

const msl::Lanes* Launch::exchange(const void* value, unsigned bytes, unsigned spaces,
                                   const msl::Site& site) {
  const std::size_t thread = fibers_.running();
  msl::Lanes& lanes = simd_groups_[thread / kSimdWidth].slots[threads_[thread].slot];
  if (bytes > 0) std::memcpy(lanes.values[thread % kSimdWidth], value, bytes);
  wait(State::kInSimdFunction, spaces, site);
  return &lanes;
}

void Launch::threadgroup_barrier(unsigned spaces, const msl::Site& site) {
  wait(State::kAtBarrier, spaces, site);
}

}  // namespace xlstm::metal_emulator
