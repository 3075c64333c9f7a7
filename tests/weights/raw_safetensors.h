// Safetensors files written byte by byte, so that each of them may be wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "xlstm/base/error.h"

namespace xlstm {

// `value` as 8 bytes, little-endian.
inline std::string u64(std::uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(value >> 8 * i & 0xFF);
  return bytes;
}

// A file with this header text and `data_bytes` bytes 0, 1, 2, ... behind it.
inline std::string raw_file(std::string_view header, std::size_t data_bytes) {
  std::string bytes = u64(header.size());
  bytes += header;
  for (std::size_t i = 0; i < data_bytes; ++i) bytes += static_cast<char>(i);
  return bytes;
}

// `"name":{"dtype":"U8","shape":[end-begin],"data_offsets":[begin,end]}`
inline std::string raw_entry(std::string_view name, std::uint64_t begin, std::uint64_t end) {
  return str('"', name, R"(":{"dtype":"U8","shape":[)", end - begin, R"(],"data_offsets":[)", begin,
             ',', end, "]}");
}

// "{member,member,...}"
template <typename... Members>
std::string raw_object(const std::string& first, const Members&... rest) {
  std::string text = str('{', first);
  ((text += str(',', rest)), ...);
  return text += '}';
}

}  // namespace xlstm
