// Elements that lie in a file in another order than ours, which is row-major and without gaps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "xlstm/base/shape.h"

namespace xlstm {

// Where each element of a tensor lies: element (i, j, ...) at `start` + i * strides[0] + j *
// strides[1] + ..., counted in elements.
struct Strided {
  std::uint64_t start = 0;
  std::vector<std::int64_t> strides;  // none negative

  // One behind the last element; nullopt where it cannot be counted, or a stride is negative.
  std::optional<std::uint64_t> end(const Shape& shape) const;
  // Whether the elements lie one after the other as ours do.
  bool is_plain(const Shape& shape) const;

  // Our order, and Fortran's, whose first axis runs fastest. `shape` has a product.
  static Strided rows_first(const Shape& shape);
  static Strided columns_first(const Shape& shape);
};

// Reads `to` from a byte on.
using ReadBytes = std::function<void(std::uint64_t, std::span<std::byte>)>;

// Fills `to` with the elements of a tensor of `item` bytes each, in our order, from byte `offset`
// on, both of whole elements. Reads no more at a time than some 256 MB, and little that it does not
// need.
void read_strided(const Strided& from, const Shape& shape, std::size_t item, std::uint64_t offset,
                  std::span<std::byte> to, const ReadBytes& read);

}  // namespace xlstm
