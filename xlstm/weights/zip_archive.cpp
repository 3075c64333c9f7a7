#include "xlstm/weights/zip_archive.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "xlstm/base/error.h"

namespace xlstm {

ZipArchive::ZipArchive(const std::filesystem::path& file)
    : file_(file), members_(read_zip_directory(file_)) {}

std::size_t ZipArchive::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(members_, name, {}, &ZipMember::name);
  return found != members_.end() && found->name == name
             ? static_cast<std::size_t>(found - members_.begin())
             : npos;
}

void ZipArchive::read(std::size_t member, std::uint64_t offset, std::span<std::byte> to) const {
  if (members_[member].deflated) return unpack(member, offset, to);
  file_.read(members_[member].offset + offset, to);
}

void ZipArchive::unpack(std::size_t member, std::uint64_t offset, std::span<std::byte> to) const {
  const ZipMember& from = members_[member];
  const std::lock_guard lock(mutex_);
  auto stream = std::exchange(unpacking_, nullptr);  // gone where it throws
  if (!stream || unpacking_member_ != member || stream->position() > offset) {
    stream = std::make_unique<Inflate>(file_, from.offset, from.packed_bytes, from.bytes,
                                       from.checksum, where(member));
  }
  constexpr std::uint64_t kPiece = 65536;  // bytes
  std::vector<std::byte> skipped(
      static_cast<std::size_t>(std::min(kPiece, offset - stream->position())));
  while (stream->position() < offset) {
    const std::uint64_t left = offset - stream->position();
    stream->next(std::span(skipped).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(skipped.size(), left))));
  }
  stream->next(to);
  unpacking_ = std::move(stream);
  unpacking_member_ = member;
}

void ZipArchive::check(std::size_t member) const {
  constexpr std::uint64_t kPiece = 1 << 20;  // bytes
  const ZipMember& from = members_[member];
  std::vector<std::byte> piece;
  uLong seen = crc32_z(0, nullptr, 0);
  for (std::uint64_t at = 0; at < from.bytes; at += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min(kPiece, from.bytes - at)));
    read(member, at, piece);
    seen = crc32_z(seen, reinterpret_cast<const Bytef*>(piece.data()), piece.size());
  }
  if (from.checksum == 0 || seen == from.checksum) return;
  fail_wanted(ErrorKind::kFormat, where(member), "bytes that fit the checksum", "others");
}

std::string ZipArchive::text(std::size_t member, std::uint64_t most) const {
  const std::uint64_t bytes = members_[member].bytes;
  if (bytes > most) {
    fail_wanted(ErrorKind::kFormat, where(member), str("at most ", most, " bytes"), str(bytes));
  }
  std::string out(static_cast<std::size_t>(bytes), '\0');
  read(member, 0, std::as_writable_bytes(std::span(out)));
  return out;
}

std::string ZipArchive::where(std::size_t member) const {
  return zip_member_name(file_, members_[member].name);
}

}  // namespace xlstm
