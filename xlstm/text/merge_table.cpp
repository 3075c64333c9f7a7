#include "xlstm/text/merge_table.h"

#include <algorithm>
#include <bit>

namespace xlstm::text {

void MergeTable::reserve(std::size_t pairs) {
  // At most half full, so that a search ends soon.
  const std::size_t size = std::bit_ceil(std::max<std::size_t>(2, 2 * pairs));
  slots_.assign(size, Slot{});
  mask_ = size - 1;
  shift_ = 64 - static_cast<unsigned>(std::bit_width(mask_));
}

void MergeTable::set(TokenId left, TokenId right, const Merge& merge) {
  const std::uint64_t key = key_of(left, right);
  std::size_t at = slot_of(key);
  while (slots_[at].key != key && slots_[at].key != kFree) at = (at + 1) & mask_;
  slots_[at] = Slot{key, merge};
  ranks_ = std::max(ranks_, merge.rank + 1);
}

}  // namespace xlstm::text
