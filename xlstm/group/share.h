// What each of several ranks holds of something that is divided among them.
#pragma once

#include <cstdint>

namespace xlstm {

struct Share {
  std::int64_t begin = 0, end = 0;

  std::int64_t size() const { return end - begin; }
  bool operator==(const Share&) const = default;
};

// Rank `rank`'s part of [0, length) in whole units, in the order of ranks. `unit` divides `length`
// and is a power of two; a larger one, up to 64, is taken where `length` allows it, one that makes
// all shares equal before others: kernels read whole lines. Shares differ by one unit at most; some
// are empty where there are fewer units than ranks.
Share share_of(std::int64_t length, int rank, int size, std::int64_t unit = 1);

}  // namespace xlstm
