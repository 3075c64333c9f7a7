#include "xlstm/weights/strided.h"

#include <algorithm>
#include <cstring>

namespace xlstm {
namespace {

bool is_empty(const Shape& shape) {
  return std::ranges::count(shape, 0) > 0;
}

// Element numbers of our order, counted up, and where each lies.
class Walk {
 public:
  Walk(const Strided& from, const Shape& shape, std::uint64_t first)
      : strides_(from.strides), shape_(shape), at_(shape.size()), place_(from.start) {
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      at_[axis] = static_cast<std::int64_t>(first % static_cast<std::uint64_t>(shape[axis]));
      first /= static_cast<std::uint64_t>(shape[axis]);
      place_ += static_cast<std::uint64_t>(at_[axis] * strides_[axis]);
    }
  }

  std::uint64_t next() {
    const std::uint64_t place = place_;
    for (std::size_t axis = shape_.size(); axis-- > 0;) {
      place_ += static_cast<std::uint64_t>(strides_[axis]);
      if (++at_[axis] < shape_[axis]) break;
      place_ -= static_cast<std::uint64_t>(at_[axis] * strides_[axis]);
      at_[axis] = 0;
    }
    return place;
  }

 private:
  const std::vector<std::int64_t>& strides_;
  const Shape& shape_;
  std::vector<std::int64_t> at_;  // the element's index on each axis
  std::uint64_t place_;
};

class Gather {
 public:
  Gather(std::size_t item, const ReadBytes& read) : item_(item), read_(read) {}

  // The bytes between the first and the last place are read at once where that is not many more
  // than are needed; else each half for itself, down to one element.
  void run(std::span<const std::uint64_t> places, std::byte* to) {
    constexpr std::uint64_t kMost = 256'000'000, kWaste = 256, kFewBytes = 65536;
    const auto [least, most] = std::ranges::minmax(places);
    const std::uint64_t bytes = (most - least + 1) * item_;
    if (places.size() > 1 && bytes > std::min(kMost, kFewBytes + kWaste * item_ * places.size())) {
      const std::size_t half = places.size() / 2;
      run(places.first(half), to);
      return run(places.subspan(half), to + half * item_);
    }
    window_.resize(static_cast<std::size_t>(bytes));
    read_(least * item_, window_);
    for (const std::uint64_t place : places) {
      std::memcpy(to, window_.data() + (place - least) * item_, item_);
      to += item_;
    }
  }

 private:
  std::size_t item_;
  const ReadBytes& read_;
  std::vector<std::byte> window_;
};

}  // namespace

std::optional<std::uint64_t> Strided::end(const Shape& shape) const {
  if (is_empty(shape)) return start;
  std::uint64_t last = start;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    std::uint64_t step = 0;
    if (strides[axis] < 0 ||
        __builtin_mul_overflow(static_cast<std::uint64_t>(shape[axis] - 1),
                               static_cast<std::uint64_t>(strides[axis]), &step) ||
        __builtin_add_overflow(last, step, &last)) {
      return std::nullopt;
    }
  }
  if (__builtin_add_overflow(last, std::uint64_t{1}, &last)) return std::nullopt;
  return last;
}

bool Strided::is_plain(const Shape& shape) const {
  if (is_empty(shape)) return true;
  const Strided plain = rows_first(shape);
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] != 1 && strides[axis] != plain.strides[axis]) return false;
  }
  return true;
}

Strided Strided::rows_first(const Shape& shape) {
  Strided out{0, std::vector<std::int64_t>(shape.size())};
  if (is_empty(shape)) return out;  // the other lengths may have no product
  std::int64_t stride = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    out.strides[axis] = stride;
    stride *= shape[axis];
  }
  return out;
}

Strided Strided::columns_first(const Shape& shape) {
  Strided out = rows_first({shape.rbegin(), shape.rend()});
  std::ranges::reverse(out.strides);
  return out;
}

void read_strided(const Strided& from, const Shape& shape, std::size_t item, std::uint64_t offset,
                  std::span<std::byte> to, const ReadBytes& read) {
  if (from.is_plain(shape)) return read(from.start * item + offset, to);
  constexpr std::size_t kAtOnce = std::size_t{1} << 18;  // elements
  std::vector<std::uint64_t> places;
  Walk walk(from, shape, offset / item);
  Gather gather(item, read);
  while (!to.empty()) {
    places.resize(std::min(kAtOnce, to.size() / item));
    for (std::uint64_t& place : places) place = walk.next();
    gather.run(places, to.data());
    to = to.subspan(places.size() * item);
  }
}

}  // namespace xlstm
