#include "xlstm/group/share.h"

#include <algorithm>

namespace xlstm {
namespace {

constexpr std::int64_t kMostUnit = 64, kGoodUnit = 8;

std::int64_t unit_for(std::int64_t length, int size, std::int64_t least) {
  const std::int64_t most = std::max(kMostUnit, least);
  for (std::int64_t unit = most; unit >= std::max(kGoodUnit, least); unit /= 2) {
    if (length % (unit * size) == 0) return unit;
  }
  for (std::int64_t unit = most; unit > least; unit /= 2) {
    if (length % unit == 0 && length / unit >= size) return unit;
  }
  return least;
}

}  // namespace

Share share_of(std::int64_t length, int rank, int size, std::int64_t unit) {
  unit = unit_for(length, size, unit);
  const std::int64_t units = length / unit;
  // The first ranks have one more.
  const auto begin_of = [&](std::int64_t r) {
    return unit * (units / size * r + std::min<std::int64_t>(r, units % size));
  };
  return {begin_of(rank), begin_of(rank + 1)};
}

}  // namespace xlstm
