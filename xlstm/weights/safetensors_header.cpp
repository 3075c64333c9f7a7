// What a safetensors file says of itself, checked against its length.
#include <algorithm>
#include <bit>
#include <cstring>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/utf8.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor bytes are used as they lie");

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kMostHeaderBytes = 100'000'000;  // the format's own limit
constexpr std::size_t kMostAxes = 8;
constexpr const char* kMetadata = "__metadata__";

// Says what is wrong with one tensor of a file.
class Complaint {
 public:
  Complaint(const std::string& file, const std::string& name)
      : where_(str(file, ": ", quoted(name))) {}
  [[noreturn]] void wanted(std::string_view wanted, std::string_view got) const {
    fail_wanted(ErrorKind::kFormat, where_, wanted, got);
  }

 private:
  std::string where_;
};

std::uint64_t as_offset(const Json& value, const Complaint& complaint) {
  if (!value.is_number_integer() ||
      (!value.is_number_unsigned() && value.get<std::int64_t>() < 0)) {
    complaint.wanted("data_offsets of two non-negative integers", value.dump());
  }
  return value.get<std::uint64_t>();
}

Shape parse_shape(const Json& tensor, const Complaint& complaint) {
  const auto found = tensor.find("shape");
  if (found == tensor.end() || !found->is_array()) complaint.wanted("an array \"shape\"", "none");
  if (found->size() > kMostAxes) {
    complaint.wanted(str("at most ", kMostAxes, " axes"), str(found->size()));
  }
  Shape shape;
  for (const Json& length : *found) {
    const bool fits = length.is_number_integer() &&
                      (length.is_number_unsigned() ? length.get<std::uint64_t>() <= INT64_MAX
                                                   : length.get<std::int64_t>() >= 0);
    if (!fits) complaint.wanted("axes that are non-negative integers", length.dump());
    shape.push_back(length.get<std::int64_t>());
  }
  return shape;
}

DType parse_dtype(const Json& tensor, const Complaint& complaint) {
  const auto found = tensor.find("dtype");
  if (found == tensor.end() || !found->is_string()) complaint.wanted("a string \"dtype\"", "none");
  const auto name = found->get<std::string>();
  const auto dtype = dtype_from_name(name);
  if (!dtype) {
    complaint.wanted("dtype BOOL, U8, I8, U16, I16, U32, I32, U64, I64, F16, BF16, F32 or F64",
                     quoted(name));
  }
  return *dtype;
}

// The bytes that a shape takes.
std::uint64_t tensor_bytes(const Shape& shape, DType dtype, const Complaint& complaint) {
  const auto count = element_count(shape);
  std::uint64_t bytes = 0;
  if (!count ||
      __builtin_mul_overflow(static_cast<std::uint64_t>(*count), size_of(dtype), &bytes)) {
    complaint.wanted("a shape whose size fits 64 bits", to_string(shape));
  }
  return bytes;
}

// One member of the header; `data` is the length of the file behind the header.
SafetensorsHeader::Entry parse_entry(const std::string& name, const Json& tensor,
                                     std::uint64_t data, const std::filesystem::path& file) {
  const Complaint complaint(file.string(), name);
  if (!tensor.is_object()) complaint.wanted("an object", kind_of(tensor));
  SafetensorsHeader::Entry entry;
  entry.info = {name, parse_dtype(tensor, complaint), parse_shape(tensor, complaint), 0, file};
  entry.info.bytes = tensor_bytes(entry.info.shape, entry.info.dtype, complaint);

  const auto offsets = tensor.find("data_offsets");
  if (offsets == tensor.end() || !offsets->is_array() || offsets->size() != 2) {
    complaint.wanted("data_offsets of two non-negative integers",
                     offsets == tensor.end() ? "none" : offsets->dump());
  }
  const std::uint64_t begin = as_offset((*offsets)[0], complaint);
  const std::uint64_t end = as_offset((*offsets)[1], complaint);
  if (begin > end || end > data) {
    complaint.wanted(str("data_offsets in order, at most ", data, " (the file may be cut off)"),
                     str("[", begin, ", ", end, "]"));
  }
  if (end - begin != entry.info.bytes) {
    complaint.wanted(str(entry.info.bytes, " bytes for ", name_of(entry.info.dtype), " ",
                         to_string(entry.info.shape)),
                     str(end - begin));
  }
  entry.offset = begin;  // made absolute by the caller
  return entry;
}

// Tensors must cover the data without overlap, hole or rest.
void check_cover(const std::vector<SafetensorsHeader::Entry>& entries, std::uint64_t data,
                 const std::string& file) {
  std::vector<const SafetensorsHeader::Entry*> order;
  for (const auto& entry : entries) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::pair(a->offset, a->info.bytes) < std::pair(b->offset, b->info.bytes);
  });
  std::uint64_t at = 0;
  for (const auto* entry : order) {
    if (entry->offset != at) {
      Complaint(file, entry->info.name)
          .wanted(str("data from byte ", at, " on, behind the tensor before"),
                  str(entry->offset, entry->offset < at ? " (an overlap)" : " (a hole)"));
    }
    at += entry->info.bytes;
  }
  if (at != data) {
    fail_wanted(ErrorKind::kFormat, file, str(at, " bytes of tensors behind the header"),
                str(data));
  }
}

std::string_view header_text(std::span<const std::byte> bytes, const std::string& file) {
  if (bytes.size() < kLengthBytes) {
    fail_wanted(ErrorKind::kFormat, file, "a safetensors file (8 bytes or more)",
                str(bytes.size(), " bytes"));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  const std::uint64_t most = std::min(kMostHeaderBytes, bytes.size() - kLengthBytes);
  if (length > most) {
    fail_wanted(ErrorKind::kFormat, file, str("a safetensors header of at most ", most, " bytes"),
                str(length));
  }
  return {reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length};
}

}  // namespace

SafetensorsHeader parse_safetensors(std::span<const std::byte> bytes,
                                    const std::filesystem::path& file) {
  const std::string where = file.string();
  const std::string_view text = header_text(bytes, where);
  const Json json = parse_json(text, where, {.max_depth = 8});
  if (!json.is_object()) fail_wanted(ErrorKind::kFormat, where, "a header object", kind_of(json));

  SafetensorsHeader header;
  const std::uint64_t start = kLengthBytes + text.size();
  const std::uint64_t data = bytes.size() - start;
  for (const auto& [name, value] : json.items()) {  // sorted by name
    if (name != kMetadata) {
      header.entries.push_back(parse_entry(name, value, data, file));
      continue;
    }
    if (!value.is_object())
      fail_wanted(ErrorKind::kFormat, where, "__metadata__ to be an object", kind_of(value));
    for (const auto& [key, item] : value.items()) {
      if (!item.is_string()) {
        fail_wanted(ErrorKind::kFormat, where, str("metadata ", quoted(key), " to be a string"),
                    kind_of(item));
      }
      header.metadata[key] = item.get<std::string>();
    }
  }
  check_cover(header.entries, data, where);
  for (auto& entry : header.entries) entry.offset += start;
  return header;
}

}  // namespace xlstm
