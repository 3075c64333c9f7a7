// ZIP archives written byte by byte, so that each of them may be wrong.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xlstm {

// `value` as `size` bytes, little-endian.
inline std::string little_endian(std::uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> 8 * i & 0xFF);
  return bytes;
}

inline std::string deflated(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// What the directory says of a member; a test changes what it likes.
struct RawMember {
  std::string name;
  std::string packed;  // as it lies in the file
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;
  int method = 0;
  int flags = 0;
  std::uint64_t said_packed = 0;  // packed.size(), or a lie
  std::int64_t moved = 0;         // added to its place in the directory
  bool zip64 = false;             // sizes and place in 64 bits

  static RawMember stored(std::string name, std::string_view content) {
    return {std::move(name), std::string(content), content.size(), checksum(content), 0, 0,
            content.size()};
  }
  static RawMember deflate(std::string name, std::string_view content) {
    RawMember out = stored(std::move(name), content);
    out.packed = deflated(content);
    out.said_packed = out.packed.size();
    out.method = 8;
    return out;
  }
  static std::uint32_t checksum(std::string_view content) {
    return static_cast<std::uint32_t>(::crc32(0, reinterpret_cast<const Bytef*>(content.data()),
                                              static_cast<uInt>(content.size())));
  }
};

inline std::string raw_zip(const std::vector<RawMember>& members) {
  constexpr std::uint64_t kIn64Bits = 0xFFFFFFFF;
  std::string out, directory;
  for (const RawMember& each : members) {
    const std::uint64_t at = out.size() + static_cast<std::uint64_t>(each.moved);
    const std::uint64_t packed = each.zip64 ? kIn64Bits : each.said_packed;
    const std::uint64_t bytes = each.zip64 ? kIn64Bits : each.bytes;
    const std::string sizes = little_endian(each.bytes, 8) + little_endian(each.said_packed, 8);
    const std::string local = each.zip64 ? little_endian(1, 2) + little_endian(16, 2) + sizes : "";
    const std::string central =
        each.zip64 ? little_endian(1, 2) + little_endian(24, 2) + sizes + little_endian(at, 8) : "";
    const std::string what = little_endian(each.zip64 ? 45 : 20, 2) + little_endian(each.flags, 2) +
                             little_endian(each.method, 2) + little_endian(0x210000, 4) +
                             little_endian(each.crc, 4) + little_endian(packed, 4) +
                             little_endian(bytes, 4) + little_endian(each.name.size(), 2);
    out += "PK\x03\x04" + what + little_endian(local.size(), 2) + each.name + local + each.packed;
    directory += "PK\x01\x02" + little_endian(45, 2) + what + little_endian(central.size(), 2) +
                 std::string(10, '\0') + little_endian(each.zip64 ? kIn64Bits : at, 4) + each.name +
                 central;
  }
  const std::uint64_t start = out.size();
  return out + directory + "PK\x05\x06" + std::string(4, '\0') + little_endian(members.size(), 2) +
         little_endian(members.size(), 2) + little_endian(directory.size(), 4) +
         little_endian(start, 4) + std::string(2, '\0');
}

}  // namespace xlstm
