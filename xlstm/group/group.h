// Ranks that compute one model together, each a part of it: processes of one host or of several, or
// threads of one process. Every rank makes the same calls in the same order; what only one of them
// can know (the time, what a person types, a seed made up) is rank 0's, and told to the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "xlstm/base/dtype.h"
#include "xlstm/base/error.h"
#include "xlstm/group/rendezvous.h"

namespace xlstm {

class Region;

// One rank's. Used by one thread at a time, but for what says otherwise. What meets the others
// throws Error where one of them has failed, that one's error with its rank in front, or where one
// has left or is gone (kCancelled): then, and ever after.
class Group {
 public:
  // Waits for all ranks. Throws Error: kUsage where they do not come in time, kFile, kNetwork.
  static std::shared_ptr<Group> join(const Rendezvous& place);
  // A group of `size` threads of this process: one for each.
  static std::vector<std::shared_ptr<Group>> of_threads(int size);

  Group(std::shared_ptr<Region> region, int rank);
  ~Group();  // leaves
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool leads() const { return rank_ == 0; }
  std::string name() const;  // "rank 1 of 2"
  // Among the ranks of this one's host, in their order.
  int local_rank() const { return local_rank_; }
  int local_size() const { return local_size_; }

  // --- all ranks together --------------------------------------------------------------------
  void meet();
  // Rank 0's bytes, of as many on every rank.
  void broadcast(std::span<std::byte> bytes);
  std::string broadcast(const std::string& text);
  template <typename T>
  T broadcast(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    broadcast(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
  // The bytes of all ranks, one after the other: rank r's are `sizes`[r] many.
  void gather(std::span<const std::byte> own, std::span<const std::size_t> sizes,
              std::span<std::byte> all);
  // One value of each.
  template <typename T>
  std::vector<T> gather(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::vector<T> all(static_cast<std::size_t>(size_));
    const std::vector<std::size_t> sizes(all.size(), sizeof(T));
    gather(std::as_bytes(std::span(&value, 1)), sizes, std::as_writable_bytes(std::span(all)));
    return all;
  }
  // The sum over ranks of numbers of a float type, added in float32 in the order of ranks, so that
  // all ranks have the same bits.
  void all_sum(DType type, std::span<std::byte> values);

  // --- ends ----------------------------------------------------------------------------------
  // Tells the others why this rank cannot go on; the first error of all is kept.
  void fail(const std::exception& why) noexcept;
  // This rank comes to no more meetings.
  void leave() noexcept;
  // Any thread may ask these, also while another meets.
  bool has_left(int rank) const;  // or is gone without a word
  // Whether any rank has failed, left or gone: there will be no more meetings.
  bool is_broken() const;
  bool has_failed() const;  // any rank, and it has said why
  bool has_lost() const;    // so, or one is gone without a word: more than that one has left
  // What a meeting that needs all ranks throws where it is broken: an error that was told before
  // one that is gone, one that is gone before one that has left.
  std::optional<Error> error() const;
  // Whether all ranks come to a meeting in that time; where not, there are no more.
  bool meets_within(std::chrono::milliseconds limit) noexcept;

 private:
  using Use = std::function<void(int rank, std::size_t at, std::span<const std::byte> bytes)>;
  // In pieces that fit a slot: own bytes go to the others, and each rank's come to use().
  void exchange(std::span<const std::byte> own, std::span<const std::size_t> sizes, const Use& use);
  void check_same(int rank, std::size_t wanted) const;
  bool has_come(int rank, std::uint32_t round) const;
  void wait_for(int rank, std::uint32_t round) const;
  void check_others(int waited_for, std::uint32_t round) const;
  std::optional<Error> failure() const;
  std::string_view end_without_word(int rank) const;  // how it is gone; empty: it is not, or left
  std::optional<Error> end_of(int rank) const;        // without the failure that was told
  void find_own_host(const std::string& host);

  std::shared_ptr<Region> region_;
  int rank_, size_;
  int local_rank_, local_size_;
  std::uint32_t round_ = 0;
};

// What rank 0 says; without a group, what this process does.
template <typename T>
T agreed(Group* group, T value) {
  return group == nullptr ? value : group->broadcast(value);
}

}  // namespace xlstm
