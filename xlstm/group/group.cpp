#include "xlstm/group/group.h"

#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "xlstm/base/floats.h"
#include "xlstm/group/shared_region.h"

namespace xlstm {
namespace {

using Clock = std::chrono::steady_clock;

// Ranks are as fast as each other: most waits are of microseconds.
constexpr int kSpins = 2000, kYields = 200;
constexpr std::chrono::microseconds kSleep{50};
constexpr int kLooksBetweenChecks = 200;  // of processes that may be gone: some 10 ms

void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

bool is_gone(std::int64_t process) {
  return process > 0 && ::kill(static_cast<pid_t>(process), 0) != 0 && errno == ESRCH;
}

std::string rank_name(int rank, int size) {
  return str("rank ", rank, " of ", size);
}

}  // namespace

std::shared_ptr<Group> Group::join(const Rendezvous& place) {
  return std::make_shared<Group>(std::make_shared<SharedRegion>(place), place.rank);
}

std::vector<std::shared_ptr<Group>> Group::of_threads(int size) {
  const auto region = std::make_shared<SharedRegion>(size);
  std::vector<std::shared_ptr<Group>> out;
  for (int rank = 0; rank < size; ++rank) out.push_back(std::make_shared<Group>(region, rank));
  return out;
}

Group::Group(std::shared_ptr<SharedRegion> region, int rank)
    : region_(std::move(region)), rank_(rank), size_(static_cast<int>(region_->header().size)) {}

Group::~Group() {
  leave();
}

std::string Group::name() const {
  return rank_name(rank_, size_);
}

void Group::meet() {
  exchange({}, std::vector<std::size_t>(static_cast<std::size_t>(size_), 0), [](auto&&...) {});
}

void Group::broadcast(std::span<std::byte> bytes) {
  std::vector<std::size_t> sizes(static_cast<std::size_t>(size_), 0);
  sizes.front() = bytes.size();
  const auto own = leads() ? std::span<const std::byte>(bytes) : std::span<const std::byte>();
  exchange(own, sizes, [&](int, std::size_t at, std::span<const std::byte> piece) {
    if (!leads()) std::memcpy(bytes.data() + at, piece.data(), piece.size());
  });
}

std::string Group::broadcast(const std::string& text) {
  std::string out = text;
  out.resize(broadcast(text.size()));
  broadcast(std::as_writable_bytes(std::span(out)));
  return out;
}

void Group::gather(std::span<const std::byte> own, std::span<const std::size_t> sizes,
                   std::span<std::byte> all) {
  std::vector<std::size_t> begin(sizes.size(), 0);
  for (std::size_t r = 1; r < sizes.size(); ++r) begin[r] = begin[r - 1] + sizes[r - 1];
  exchange(own, sizes, [&](int rank, std::size_t at, std::span<const std::byte> piece) {
    std::memcpy(all.data() + begin[static_cast<std::size_t>(rank)] + at, piece.data(),
                piece.size());
  });
}

void Group::all_sum(DType type, std::span<std::byte> values) {
  const std::size_t most =
      std::min(SharedRegion::kSlot, values.size()) / size_of(type);  // in a piece
  std::vector<float> sum(most), of_rank(most);
  const std::vector<std::size_t> sizes(static_cast<std::size_t>(size_), values.size());
  exchange(values, sizes, [&](int rank, std::size_t at, std::span<const std::byte> piece) {
    const std::size_t count = piece.size() / size_of(type);
    floats_from(piece.data(), type, count, rank == 0 ? sum.data() : of_rank.data());
    for (std::size_t i = 0; rank > 0 && i < count; ++i) sum[i] += of_rank[i];
    if (rank + 1 == size_) floats_to(sum.data(), count, type, values.data() + at);
  });
}

void Group::exchange(std::span<const std::byte> own, std::span<const std::size_t> sizes,
                     const Use& use) {
  const std::size_t most = *std::max_element(sizes.begin(), sizes.end());
  std::size_t at = 0;
  do {
    // Who reads the last but one is done with it: it came to the last meeting after that.
    ++round_;
    if (at < own.size()) {
      const auto piece = own.subspan(at, std::min(SharedRegion::kSlot, own.size() - at));
      std::memcpy(region_->slot(rank_, round_).data(), piece.data(), piece.size());
    }
    region_->rank(rank_).bytes[round_ % 2] = own.size();
    region_->rank(rank_).round.store(round_, std::memory_order_release);
    for (int rank = 0; rank < size_; ++rank) wait_for(rank, round_);
    for (int rank = 0; rank < size_; ++rank) {
      const std::size_t size = sizes[static_cast<std::size_t>(rank)];
      check_same(rank, size);
      if (at >= size) continue;
      use(rank, at, region_->slot(rank, round_).first(std::min(SharedRegion::kSlot, size - at)));
    }
    at += SharedRegion::kSlot;
  } while (at < most);
}

// Ranks that do not make the same calls would add up what does not belong together.
void Group::check_same(int rank, std::size_t wanted) const {
  const std::uint64_t brought = region_->rank(rank).bytes[round_ % 2];
  if (brought == wanted) return;
  fail_wanted(
      ErrorKind::kInternal, "group",
      str(wanted, " bytes of ", rank_name(rank, size_), ", as all ranks make the same calls"),
      str(brought));
}

void Group::wait_for(int rank, std::uint32_t round) const {
  const std::atomic<std::uint32_t>& its = region_->rank(rank).round;
  for (int looks = 0;; ++looks) {
    // Counts wrap around.
    if (static_cast<std::int32_t>(its.load(std::memory_order_acquire) - round) >= 0) return;
    if (looks < kSpins) {
      pause_briefly();
    } else if (looks < kSpins + kYields) {
      ::sched_yield();
    } else {
      if (looks % kLooksBetweenChecks == 0) check_others(rank);
      std::this_thread::sleep_for(kSleep);
    }
  }
}

void Group::check_others(int waited_for) const {
  const RegionHeader& header = region_->header();
  if (const std::uint32_t failed = header.failed; failed != 0 && header.failure_told != 0) {
    throw Error(static_cast<ErrorKind>(header.failure_kind),
                rank_name(static_cast<int>(failed) - 1, size_), header.failure.data());
  }
  const RankRecord& record = region_->rank(waited_for);
  if (record.left != 0) {
    xlstm::fail(ErrorKind::kCancelled, rank_name(waited_for, size_), "has ended before the others");
  }
  if (is_gone(record.process)) {
    xlstm::fail(ErrorKind::kCancelled, rank_name(waited_for, size_),
                "is gone: its process ended without a word");
  }
}

void Group::fail(const std::exception& why) noexcept {
  RegionHeader& header = region_->header();
  std::uint32_t none = 0;
  if (header.failed.compare_exchange_strong(none, static_cast<std::uint32_t>(rank_) + 1)) {
    const auto* error = dynamic_cast<const Error*>(&why);
    const bool no_memory = dynamic_cast<const std::bad_alloc*>(&why) != nullptr;
    const ErrorKind kind = error != nullptr ? error->kind()
                           : no_memory      ? ErrorKind::kMemory
                                            : ErrorKind::kInternal;
    header.failure_kind = static_cast<std::uint32_t>(kind);
    std::strncpy(header.failure.data(), why.what(), RegionHeader::kMostMessage - 1);
    header.failure_told = 1;
  }
  leave();
}

void Group::leave() noexcept {
  region_->rank(rank_).left = 1;
}

bool Group::has_left(int rank) const {
  const RankRecord& record = region_->rank(rank);
  return record.left != 0 || is_gone(record.process);
}

bool Group::is_broken() const {
  if (region_->header().failed != 0) return true;
  for (int rank = 0; rank < size_; ++rank) {
    if (has_left(rank)) return true;
  }
  return false;
}

bool Group::meets_within(std::chrono::milliseconds limit) noexcept {
  const auto end = Clock::now() + limit;
  region_->rank(rank_).round.store(++round_, std::memory_order_release);
  for (int rank = 0; rank < size_; ++rank) {
    while (static_cast<std::int32_t>(region_->rank(rank).round.load() - round_) < 0) {
      if (is_broken() || Clock::now() > end) {
        leave();
        return false;
      }
      std::this_thread::sleep_for(kSleep);
    }
  }
  return true;
}

}  // namespace xlstm
