#include "xlstm/model/weight_memory.h"

#include <algorithm>
#include <cstddef>

#include "xlstm/base/large_pages.h"
#include "xlstm/ops/evaluate.h"
#include "xlstm/ops/ops.h"

namespace xlstm {
namespace {
namespace mx = mlx::core;

constexpr std::uint64_t kLine = 64;
constexpr std::uint64_t kManyPages = 16;

std::uint64_t rounded_up(std::uint64_t bytes, std::uint64_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

std::uint64_t bytes_of(const mx::Shape& shape, mx::Dtype dtype) {
  std::uint64_t bytes = mx::size_of(dtype);
  for (const auto length : shape) bytes *= static_cast<std::uint64_t>(length);
  return bytes;
}

mx::array unfilled(const mx::Shape& shape, mx::Dtype dtype, std::string_view where) {
  return mx::array(ops::allocate(bytes_of(shape, dtype), where), shape, dtype);
}

// How far it is from `memory` to the next multiple of `unit`.
std::uint64_t to_next(const std::byte* memory, std::uint64_t unit) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  return rounded_up(address, unit) - address;
}

}  // namespace

std::uint64_t WeightMemory::room_for(std::uint64_t bytes, std::uint64_t arrays) {
  return bytes + arrays * kLine;
}

WeightMemory::WeightMemory(std::uint64_t room) {
  const std::uint64_t large = large_page_bytes();
  if (!ops::on_cpu() || large == 0 || room == 0) return;
  // To start at a large page costs up to one of address space, which few of them are not worth.
  const std::uint64_t start = room >= kManyPages * large ? large : kLine;
  room_ = room + start;
  piece_ = mx::array(ops::allocate(room_, "weights"), {1}, mx::uint8);
  const auto* memory = piece_->data<std::byte>();
  used_ = to_next(memory, start);
  if (room >= large) prefer_large_pages({memory + used_, room});
}

mx::array WeightMemory::take(const mx::Shape& shape, mx::Dtype dtype, std::string_view where) {
  const std::uint64_t bytes = bytes_of(shape, dtype);
  if (!piece_ || bytes > room_ - used_) return unfilled(shape, dtype, where);
  // A view, with a computed array's status. MLX counts offsets in elements; MLX's memory starts at
  // a multiple of 8 bytes and used_ leads to a cache line, so it is a whole number of them.
  mx::array out(shape, dtype, nullptr, {});
  const bool one_axis = std::ranges::count_if(shape, [](auto length) { return length > 1; }) <= 1;
  out.copy_shared_buffer(*piece_, out.strides(), {true, true, one_axis}, out.size(),
                         static_cast<std::int64_t>(used_ / mx::size_of(dtype)));
  out.set_status(mx::array::Status::available);
  used_ += std::min(rounded_up(bytes, kLine), room_ - used_);
  return out;
}

}  // namespace xlstm
