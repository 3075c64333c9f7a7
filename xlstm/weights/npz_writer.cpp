#include "xlstm/weights/npz_writer.h"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/utf8.h"
#include "xlstm/weights/npz_members.h"
#include "xlstm/weights/zip_directory.h"

namespace xlstm {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor bytes are written as they lie");

constexpr std::uint64_t kIn64Bits = 0xFFFFFFFF, kCountIn64Bits = 0xFFFF;
// Checksum and sizes follow a member, as they are known then (bit 3); names are UTF-8 (bit 11).
constexpr std::uint64_t kFlags = 1 << 3 | 1 << 11;
constexpr std::uint64_t kVersion = 20, kWideVersion = 45, kDay = 0x210000;  // 1980-01-01 00:00

// Little-endian, of at most 8 bytes.
std::string number(std::uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> 8 * i & 0xFF);
  return bytes;
}

std::string zeros(std::size_t count) {
  return std::string(count, '\0');
}

const char* numpy_type(DType dtype) {
  switch (dtype) {
    case DType::kBool:
      return "|b1";
    case DType::kU8:
      return "|u1";
    case DType::kI8:
      return "|i1";
    case DType::kU16:
      return "<u2";
    case DType::kI16:
      return "<i2";
    case DType::kU32:
      return "<u4";
    case DType::kI32:
      return "<i4";
    case DType::kU64:
      return "<u8";
    case DType::kI64:
      return "<i8";
    case DType::kF16:
      return "<f2";
    case DType::kBF16:
      return "|V2";
    case DType::kF32:
      return "<f4";
    case DType::kF64:
      return "<f8";
  }
  return "";
}

// Up to the data, which begins at a multiple of 64 bytes.
std::string npy_start(const TensorHeader& tensor) {
  std::string shape;
  for (const std::int64_t length : tensor.shape) shape += str(length, ", ");
  std::string text = str("{'descr': '", numpy_type(tensor.dtype),
                         "', 'fortran_order': False, 'shape': (", shape, "), }");
  constexpr std::size_t kBefore = 10, kAlignment = 64;
  const std::size_t all = (kBefore + text.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  text.resize(all - kBefore - 1, ' ');
  return str("\x93NUMPY\x01", '\0', number(text.size() + 1, 2), text, "\n");
}

}  // namespace

NpzWriter::NpzWriter(const std::filesystem::path& file, std::vector<TensorHeader> tensors,
                     const std::map<std::string, std::string>& metadata, std::string_view config)
    : file_(file), where_(file.string()), tensors_(std::move(tensors)) {
  check_names();
  if (!config.empty()) write_member(std::string(kNpzConfig), config);
  if (!metadata.empty()) write_member(std::string(kNpzMetadata), Json(metadata).dump());
  begin_tensors();
}

void NpzWriter::check_names() const {
  std::set<std::string> names = {std::string(kNpzConfig), std::string(kNpzMetadata)};
  for (const TensorHeader& tensor : tensors_) {
    const std::string where = str(where_, ", tensor ", quoted(tensor.name));
    const std::string member = str(tensor.name, kNpyEnding);
    if (!is_zip_name(member) || utf8_first_error(member) != std::string::npos) {
      fail_wanted(ErrorKind::kUsage, where, "a name in UTF-8 that stays in the folder", "this one");
    }
    if (!names.insert(member).second) {
      fail_wanted(ErrorKind::kUsage, where, "each name once", "it again");
    }
    const auto count = element_count(tensor.shape);
    std::uint64_t bytes = 0;
    if (!count || __builtin_mul_overflow(static_cast<std::uint64_t>(*count),
                                         std::uint64_t{size_of(tensor.dtype)}, &bytes)) {
      fail_wanted(ErrorKind::kUsage, where, "a shape", to_string(tensor.shape));
    }
  }
}

void NpzWriter::write_raw(std::span<const std::byte> bytes) {
  file_.write(bytes);
  at_ += bytes.size();
}

void NpzWriter::write_raw(std::string_view text) {
  write_raw(std::as_bytes(std::span(text)));
}

void NpzWriter::begin_member(std::string name, std::uint64_t bytes) {
  const bool wide = bytes >= kIn64Bits;
  const std::string extra = wide ? number(1, 2) + number(16, 2) + zeros(16) : "";
  write_raw(str("PK\x03\x04", number(wide ? kWideVersion : kVersion, 2), number(kFlags, 2),
                number(0, 2), number(kDay, 4), number(0, 4), number(wide ? kIn64Bits : 0, 4),
                number(wide ? kIn64Bits : 0, 4), number(name.size(), 2), number(extra.size(), 2),
                name, extra));
  const std::uint64_t start = at_ - 30 - name.size() - extra.size();
  members_.push_back({std::move(name), start, bytes, 0, wide});
}

void NpzWriter::write_content(std::span<const std::byte> bytes) {
  Member& member = members_.back();
  member.checksum = static_cast<std::uint32_t>(
      crc32_z(member.checksum, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  write_raw(bytes);
}

void NpzWriter::end_member() {
  const Member& member = members_.back();
  const int size = member.wide ? 8 : 4;
  write_raw(str("PK\x07\x08", number(member.checksum, 4), number(member.bytes, size),
                number(member.bytes, size)));
}

void NpzWriter::write_member(std::string name, std::string_view content) {
  begin_member(std::move(name), content.size());
  write_content(std::as_bytes(std::span(content)));
  end_member();
}

void NpzWriter::begin_tensors() {
  while (left_ == 0 && next_ < tensors_.size()) {
    const TensorHeader& tensor = tensors_[next_++];
    const std::string start = npy_start(tensor);
    left_ = tensor.bytes();
    begin_member(str(tensor.name, kNpyEnding), start.size() + left_);
    write_content(std::as_bytes(std::span(start)));
    if (left_ == 0) end_member();
  }
}

void NpzWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (left_ == 0) {
      fail_wanted(ErrorKind::kInternal, where_, "no bytes more", str(bytes.size()));
    }
    const auto piece =
        bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
    write_content(piece);
    left_ -= piece.size();
    bytes = bytes.subspan(piece.size());
    if (left_ > 0) continue;
    end_member();
    begin_tensors();
  }
}

void NpzWriter::write_directory() {
  const std::uint64_t start = at_;
  for (const Member& member : members_) {
    const bool wide = member.wide || member.start >= kIn64Bits;
    const std::string extra = wide ? number(1, 2) + number(24, 2) + number(member.bytes, 8) +
                                         number(member.bytes, 8) + number(member.start, 8)
                                   : "";
    const std::uint64_t bytes = wide ? kIn64Bits : member.bytes;
    write_raw(str("PK\x01\x02", number(kWideVersion, 2), number(wide ? kWideVersion : kVersion, 2),
                  number(kFlags, 2), number(0, 2), number(kDay, 4), number(member.checksum, 4),
                  number(bytes, 4), number(bytes, 4), number(member.name.size(), 2),
                  number(extra.size(), 2), zeros(10), number(wide ? kIn64Bits : member.start, 4),
                  member.name, extra));
  }
  const std::uint64_t end = at_, count = members_.size();
  const bool wide = count >= kCountIn64Bits || end >= kIn64Bits;
  if (wide) {
    write_raw(str("PK\x06\x06", number(44, 8), number(kWideVersion, 2), number(kWideVersion, 2),
                  number(0, 8), number(count, 8), number(count, 8), number(end - start, 8),
                  number(start, 8), "PK\x06\x07", number(0, 4), number(end, 8), number(1, 4)));
  }
  const std::uint64_t said = wide ? kCountIn64Bits : count;
  write_raw(str("PK\x05\x06", number(0, 4), number(said, 2), number(said, 2),
                number(wide ? kIn64Bits : end - start, 4), number(wide ? kIn64Bits : start, 4),
                number(0, 2)));
}

std::filesystem::path NpzWriter::finish() {
  if (left_ > 0) fail_wanted(ErrorKind::kInternal, where_, str(left_, " bytes more"), "none");
  if (!finished_) write_directory();
  finished_ = true;
  return file_.temporary();
}

void NpzWriter::commit() {
  finish();
  file_.commit();
}

}  // namespace xlstm
