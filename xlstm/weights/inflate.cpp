#include "xlstm/weights/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"

namespace xlstm {

struct Inflate::Impl {
  Impl(const InputFile& from, std::string name) : file(from), where(std::move(name)) {
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();  // raw: no zlib header
  }
  ~Impl() { inflateEnd(&stream); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void refill() {
    constexpr std::uint64_t kPiece = 65536;  // bytes
    packed.resize(static_cast<std::size_t>(std::min(kPiece, packed_left)));
    file.read(offset, std::as_writable_bytes(std::span(packed)));
    offset += packed.size();
    packed_left -= packed.size();
    stream.next_in = packed.data();
    stream.avail_in = static_cast<uInt>(packed.size());
  }

  // As many of `to` as one call gives.
  std::size_t some(std::span<std::byte> to) {
    if (stream.avail_in == 0 && packed_left > 0) refill();
    const auto most = static_cast<uInt>(std::min<std::size_t>(to.size(), std::size_t{1} << 30));
    stream.next_out = reinterpret_cast<Bytef*>(to.data());
    stream.avail_out = most;
    const int result = inflate(&stream, Z_NO_FLUSH);
    const uInt got = most - stream.avail_out;
    ended = result == Z_STREAM_END;
    const bool stuck = got == 0 && stream.avail_in == 0 && packed_left == 0;
    // With all bytes made, a call finds the end alone where it lies in a piece of its own.
    const bool early = got == 0 && ended && position < bytes;
    if ((result != Z_OK && !ended) || early || (stuck && !ended)) {
      fail_wanted(ErrorKind::kFormat, where, str(bytes, " bytes of deflated data"),
                  str(position + got, " and then ",
                      ended || stuck ? "their end" : "something that is none"));
    }
    seen = static_cast<std::uint32_t>(crc32(seen, reinterpret_cast<const Bytef*>(to.data()), got));
    position += got;
    return got;
  }

  void check_end() {
    std::byte more{};
    while (!ended) {
      if (some(std::span(&more, 1)) == 0) continue;
      fail_wanted(ErrorKind::kFormat, where, str(bytes, " bytes of deflated data"), "more");
    }
    if (seen == checksum) return;
    fail_wanted(ErrorKind::kFormat, where, "bytes that fit the checksum", "others");
  }

  const InputFile& file;
  std::string where;
  std::uint64_t offset = 0, packed_left = 0;  // in the file, of what is not read
  std::uint64_t bytes = 0, position = 0;      // of what is unpacked
  std::uint32_t checksum = 0, seen = 0;
  bool ended = false;
  std::vector<Bytef> packed;
  z_stream stream{};
};

Inflate::Inflate(const InputFile& file, std::uint64_t offset, std::uint64_t packed_bytes,
                 std::uint64_t bytes, std::uint32_t checksum, std::string where)
    : impl_(std::make_unique<Impl>(file, std::move(where))) {
  impl_->offset = offset;
  impl_->packed_left = packed_bytes;
  impl_->bytes = bytes;
  impl_->checksum = checksum;
}

Inflate::~Inflate() = default;

std::uint64_t Inflate::position() const {
  return impl_->position;
}

void Inflate::next(std::span<std::byte> to) {
  while (!to.empty()) to = to.subspan(impl_->some(to));
  if (impl_->position == impl_->bytes) impl_->check_end();
}

}  // namespace xlstm
