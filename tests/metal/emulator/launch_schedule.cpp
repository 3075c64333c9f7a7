// Which thread of a launch runs next, and when those that wait can go on.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "tests/metal/emulator/launch.h"

namespace xlstm::metal_emulator {
namespace {

bool same_place(const msl::Site& a, const msl::Site& b) {
  return a.line == b.line && a.column == b.column && std::strcmp(a.file, b.file) == 0;
}

}  // namespace

// Each SIMD group goes on until all of its lanes wait at a barrier or have returned; then the
// barrier opens.
void Launch::run_threadgroup(std::size_t index) {
  start_threads(index);
  do {
    shuffle(simd_order_);
    for (const std::size_t simd_group : simd_order_) {
      advance(simd_group);
      if (stopped_) return;
    }
  } while (release_barrier());
}

void Launch::advance(std::size_t simd_group) {
  const std::size_t first = simd_group * kSimdWidth;
  const std::size_t last = std::min(first + kSimdWidth, threads_.size());
  lane_order_.resize(last - first);
  std::iota(lane_order_.begin(), lane_order_.end(), first);
  do {
    shuffle(lane_order_);
    for (const std::size_t thread : lane_order_) {
      if (threads_[thread].state != State::kReady) continue;
      fibers_.resume(thread);
      if (stopped_) return;
    }
  } while (release_simd_group(first, last));
}

// Whether lanes can go on: all that live have come to the same SIMD function.
bool Launch::release_simd_group(std::size_t first, std::size_t last) {
  const auto begin = threads_.begin() + static_cast<std::ptrdiff_t>(first);
  const auto end = threads_.begin() + static_cast<std::ptrdiff_t>(last);
  const auto waits = [](const Thread& t) { return t.state == State::kInSimdFunction; };
  const auto leader = std::find_if(begin, end, waits);
  if (leader == end) return false;
  SimdGroup& group = simd_groups_[first / kSimdWidth];
  unsigned active = 0;
  for (auto lane = begin; lane != end; ++lane) {
    if (lane->state == State::kDone) continue;
    if (!waits(*lane) || !same_place(lane->site, leader->site) || lane->spaces != leader->spaces) {
      diverged(static_cast<std::size_t>(leader - threads_.begin()),
               static_cast<std::size_t>(lane - threads_.begin()));
      return false;
    }
    active |= 1U << (lane - begin);
    lane->state = State::kReady;
  }
  group.slots[leader->slot].active = active;
  group.epochs.advance(leader->spaces);
  for (auto lane = begin; lane != end; ++lane) lane->slot ^= 1;
  return true;
}

// Whether threads can go on: all have come to the same barrier.
bool Launch::release_barrier() {
  const auto waits = [](const Thread& t) { return t.state == State::kAtBarrier; };
  const auto leader = std::find_if(threads_.begin(), threads_.end(), waits);
  if (leader == threads_.end()) return false;
  for (auto thread = threads_.begin(); thread != threads_.end(); ++thread) {
    if (!waits(*thread) || !same_place(thread->site, leader->site) ||
        thread->spaces != leader->spaces) {
      diverged(static_cast<std::size_t>(leader - threads_.begin()),
               static_cast<std::size_t>(thread - threads_.begin()));
      return false;
    }
    thread->state = State::kReady;
  }
  epochs_.advance(leader->spaces);
  return true;
}

void Launch::diverged(std::size_t one, std::size_t other) {
  Fault fault{.kind = threads_[other].state == State::kDone ? FaultKind::kReturned
                                                            : FaultKind::kDiverged};
  fault.now = now(Role::kThreadgroup, nullptr);
  fault.other = fault.now;
  fault.now.thread = static_cast<std::uint32_t>(one);
  fault.other.thread = static_cast<std::uint32_t>(other);
  fault.site = threads_[one].site;
  fault.other_site = threads_[other].site;
  faults_.add(fault);
  stopped_ = true;
}

// xorshift64*: the same order on every machine.
void Launch::shuffle(std::vector<std::size_t>& order) {
  if (options_.seed == 0) return;
  for (std::size_t i = order.size(); i > 1; --i) {
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    std::swap(order[i - 1], order[(random_ * 0x2545F4914F6CDD1DU >> 32) % i]);
  }
}

}  // namespace xlstm::metal_emulator
