#include "xlstm/base/scratch.h"

#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/large_pages.h"

namespace xlstm {
namespace {

constexpr std::size_t kAlignment = 128;

}  // namespace

std::byte* Scratch::bytes(std::size_t count, std::string_view where) {
  if (size_ >= count) return memory_.get();
  memory_.reset();
  size_ = 0;
  const std::size_t large = large_page_bytes();
  const bool fills_large = large > 0 && count >= large;
  const std::align_val_t alignment{fills_large ? large : kAlignment};
  auto* memory = static_cast<std::byte*>(::operator new(count, alignment, std::nothrow));
  if (memory == nullptr) {
    fail_wanted(ErrorKind::kMemory, where, str(count, " bytes of memory"), "none");
  }
  memory_ = {memory, Free{alignment}};
  if (fills_large) prefer_large_pages({memory, count});
  size_ = count;
  return memory;
}

float* Scratch::floats(std::size_t count, std::string_view where) {
  return reinterpret_cast<float*>(bytes(count * sizeof(float), where));
}

ScratchLease::~ScratchLease() {
  pool_.give_back(std::move(scratch_));
}

ScratchLease ScratchPool::lease(std::size_t bytes, std::string_view where) {
  Scratch scratch = take(bytes);
  try {
    std::byte* const memory = scratch.bytes(bytes, where);
    return ScratchLease(*this, std::move(scratch), memory);
  } catch (...) {
    give_back(std::move(scratch));
    throw;
  }
}

Scratch ScratchPool::take(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (kept_.empty()) {
    kept_.reserve(made_ + 1);  // so that give_back() allocates nothing
    ++made_;
    return {};
  }
  const auto me = std::this_thread::get_id();
  // Own before others', large enough before too small, then the smallest large enough or the
  // largest too small.
  const auto better = [&](const Kept& a, const Kept& b) {
    if ((a.last == me) != (b.last == me)) return a.last == me;
    const bool enough = a.scratch.size() >= bytes;
    if (enough != (b.scratch.size() >= bytes)) return enough;
    return enough ? a.scratch.size() < b.scratch.size() : a.scratch.size() > b.scratch.size();
  };
  std::size_t best = 0;
  for (std::size_t at = 1; at < kept_.size(); ++at) {
    if (better(kept_[at], kept_[best])) best = at;
  }
  std::swap(kept_[best], kept_.back());
  Scratch out = std::move(kept_.back().scratch);
  kept_.pop_back();
  return out;
}

void ScratchPool::give_back(Scratch scratch) noexcept {
  const std::lock_guard lock(mutex_);
  kept_.push_back({std::this_thread::get_id(), std::move(scratch)});
}

}  // namespace xlstm
