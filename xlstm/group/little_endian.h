// Numbers as they go over a connection: little-endian, one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace xlstm {

// Writes to the front of `to`, which is as long as it must be, and moves it on.
template <typename Unsigned>
void put_number(std::span<std::byte>& to, Unsigned value) {
  for (std::size_t i = 0; i < sizeof(value); ++i) to[i] = static_cast<std::byte>(value >> (8 * i));
  to = to.subspan(sizeof(value));
}

inline void put_bytes(std::span<std::byte>& to, std::span<const std::byte> bytes) {
  std::memcpy(to.data(), bytes.data(), bytes.size());
  to = to.subspan(bytes.size());
}

template <typename Unsigned>
Unsigned take_number(std::span<const std::byte>& from) {
  Unsigned value = 0;
  for (std::size_t i = 0; i < sizeof(value); ++i) {
    value |= static_cast<Unsigned>(from[i]) << (8 * i);
  }
  from = from.subspan(sizeof(value));
  return value;
}

inline void take_bytes(std::span<const std::byte>& from, std::span<std::byte> bytes) {
  std::memcpy(bytes.data(), from.data(), bytes.size());
  from = from.subspan(bytes.size());
}

}  // namespace xlstm
