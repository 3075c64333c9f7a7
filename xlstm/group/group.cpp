#include "xlstm/group/group.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "xlstm/base/floats.h"
#include "xlstm/group/host.h"
#include "xlstm/group/shared_region.h"
#include "xlstm/group/tcp_region.h"

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

std::string rank_name(int rank, int size) {
  return str("rank ", rank, " of ", size);
}

}  // namespace

std::shared_ptr<Group> Group::join(const Rendezvous& place) {
  if (!place.address) {
    return std::make_shared<Group>(std::make_shared<SharedRegion>(place), place.rank);
  }
  const auto group = std::make_shared<Group>(std::make_shared<TcpRegion>(place), place.rank);
  group->find_own_host(place.host.empty() ? host_identity() : place.host);
  return group;
}

std::vector<std::shared_ptr<Group>> Group::of_threads(int size) {
  const auto region = std::make_shared<SharedRegion>(size);
  std::vector<std::shared_ptr<Group>> out;
  for (int rank = 0; rank < size; ++rank) out.push_back(std::make_shared<Group>(region, rank));
  return out;
}

Group::Group(std::shared_ptr<Region> region, int rank)
    : region_(std::move(region)),
      rank_(rank),
      size_(static_cast<int>(region_->header().size)),
      local_rank_(rank_),
      local_size_(size_) {}

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
  const std::size_t most = std::min(Region::kSlot, values.size()) / size_of(type);  // in a piece
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
    const std::size_t begin = std::min(at, own.size());
    const auto piece = own.subspan(begin, std::min(Region::kSlot, own.size() - begin));
    region_->bring(rank_, round_, own.size(), piece);
    for (int rank = 0; rank < size_; ++rank) wait_for(rank, round_);
    for (int rank = 0; rank < size_; ++rank) {
      const std::size_t size = sizes[static_cast<std::size_t>(rank)];
      check_same(rank, size);
      if (at >= size) continue;
      use(rank, at, region_->slot(rank, round_).first(std::min(Region::kSlot, size - at)));
    }
    at += Region::kSlot;
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

bool Group::has_come(int rank, std::uint32_t round) const {
  const std::uint32_t its = region_->rank(rank).round.load(std::memory_order_acquire);
  return static_cast<std::int32_t>(its - round) >= 0;  // counts wrap around
}

void Group::wait_for(int rank, std::uint32_t round) const {
  for (int looks = 0; !has_come(rank, round); ++looks) {
    if (looks < kSpins) {
      pause_briefly();
    } else if (looks < kSpins + kYields) {
      ::sched_yield();
    } else {
      if (looks % kLooksBetweenChecks == 0) check_others(rank, round);
      std::this_thread::sleep_for(kSleep);
    }
  }
}

void Group::check_others(int waited_for, std::uint32_t round) const {
  if (const auto error = failure()) throw *error;
  const auto error = end_of(waited_for);
  // Its last meeting may have been this one.
  if (error && !has_come(waited_for, round)) throw *error;
}

std::optional<Error> Group::failure() const {
  if (!has_failed()) return std::nullopt;
  const RegionHeader& header = region_->header();
  return Error(static_cast<ErrorKind>(header.failure_kind),
               rank_name(static_cast<int>(header.failed) - 1, size_), header.failure.data());
}

// One that leaves and ends between the two looks has left.
std::string_view Group::end_without_word(int rank) const {
  const auto& left = region_->rank(rank).left;
  const std::string_view end = left != 0 ? "" : region_->end_of(rank);
  return left != 0 ? "" : end;
}

std::optional<Error> Group::end_of(int rank) const {
  const std::string_view end = end_without_word(rank);
  const bool left = region_->rank(rank).left != 0;
  if (!left && end.empty()) return std::nullopt;
  return Error(ErrorKind::kCancelled, rank_name(rank, size_),
               left ? "has ended before the others" : str("is gone: ", end));
}

// The rank among those of its host is that in the order of all: without asking who started them.
void Group::find_own_host(const std::string& host) {
  std::array<char, kMostHostName> name{};
  std::copy_n(host.begin(), std::min(host.size(), name.size()), name.begin());
  const auto names = gather(name);
  local_size_ = static_cast<int>(std::ranges::count(names, name));
  local_rank_ = static_cast<int>(std::count(names.begin(), names.begin() + rank_, name));
}

void Group::fail(const std::exception& why) noexcept {
  const auto* error = dynamic_cast<const Error*>(&why);
  const bool no_memory = dynamic_cast<const std::bad_alloc*>(&why) != nullptr;
  const ErrorKind kind = error != nullptr ? error->kind()
                         : no_memory      ? ErrorKind::kMemory
                                          : ErrorKind::kInternal;
  region_->note_failure(rank_, kind, why.what());
  leave();
}

void Group::leave() noexcept {
  region_->leave(rank_);
}

bool Group::has_left(int rank) const {
  return region_->rank(rank).left != 0 || !region_->end_of(rank).empty();
}

bool Group::is_broken() const {
  if (region_->header().failed != 0) return true;
  for (int rank = 0; rank < size_; ++rank) {
    if (has_left(rank)) return true;
  }
  return false;
}

bool Group::has_failed() const {
  return region_->header().failed != 0 && region_->header().failure_told != 0;
}

bool Group::has_lost() const {
  if (region_->header().failed != 0) return true;
  for (int rank = 0; rank < size_; ++rank) {
    if (!end_without_word(rank).empty()) return true;
  }
  return false;
}

std::optional<Error> Group::error() const {
  if (auto error = failure()) return error;
  std::optional<Error> gone, left;
  for (int rank = 0; rank < size_; ++rank) {
    auto end = end_of(rank);
    std::optional<Error>& first = region_->rank(rank).left != 0 ? left : gone;
    if (end && !first) first = std::move(end);
  }
  return gone ? gone : left;
}

bool Group::meets_within(std::chrono::milliseconds limit) noexcept {
  const auto end = Clock::now() + limit;
  region_->bring(rank_, ++round_, 0, {});
  // One that has come may have left since.
  const auto comes_no_more = [&](int rank) { return has_left(rank) && !has_come(rank, round_); };
  for (int rank = 0; rank < size_; ++rank) {
    while (!has_come(rank, round_)) {
      bool broken = region_->header().failed != 0 || Clock::now() > end;
      for (int other = 0; other < size_ && !broken; ++other) broken = comes_no_more(other);
      if (broken) {
        leave();
        return false;
      }
      std::this_thread::sleep_for(kSleep);
    }
  }
  return true;
}

}  // namespace xlstm
