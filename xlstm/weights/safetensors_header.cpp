// What a safetensors file says of itself, checked against its length.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/lfs_pointer.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor bytes are used as they lie");

using Entry = SafetensorsHeader::Entry;

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::size_t kMostAxes = 8;
// A valid header nests 3 deep, and has some 8 values a tensor: this is room for half a million
// tensors and keeps what a hostile one costs in memory below 1 GB.
constexpr JsonLimits kHeaderLimits = {.max_depth = 8, .max_values = 4'000'000};
constexpr const char* kMetadata = "__metadata__";

// One member of the header, and what it is checked against.
struct Source {
  const std::filesystem::path& file;
  const std::string& name;
  const Json& value;
  std::uint64_t data_bytes;  // of the file behind the header

  [[noreturn]] void wanted(std::string_view wanted, std::string_view got,
                           ErrorKind kind = ErrorKind::kFormat) const {
    fail_wanted(kind, str(file.string(), ", tensor ", quoted(name)), wanted, got);
  }

  const Json& member(const char* key) const {
    const auto found = value.find(key);
    if (found == value.end()) wanted(str("a member \"", key, "\""), "none");
    return *found;
  }
};

std::optional<std::uint64_t> natural_number(const Json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  return std::nullopt;  // the parser calls every whole number unsigned that is not below zero
}

DType parse_dtype(const Source& source) {
  // Names of the format that nothing here computes with: such a file is valid.
  constexpr std::array<std::string_view, 8> kForeign = {
      "F4", "F6_E2M3", "F6_E3M2", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "C64"};
  const Json& value = source.member("dtype");
  if (!value.is_string()) source.wanted("a string \"dtype\"", described(value));
  const auto& name = value.get_ref<const std::string&>();
  if (const std::optional<DType> dtype = dtype_from_name(name)) return *dtype;
  const bool foreign = std::find(kForeign.begin(), kForeign.end(), name) != kForeign.end();
  source.wanted("dtype BOOL, U8, I8, U16, I16, U32, I32, U64, I64, F16, BF16, F32 or F64",
                quoted(name), foreign ? ErrorKind::kModel : ErrorKind::kFormat);
}

Shape parse_shape(const Source& source) {
  const Json& value = source.member("shape");
  if (!value.is_array()) source.wanted("an array \"shape\"", described(value));
  if (value.size() > kMostAxes) {
    source.wanted(str("at most ", kMostAxes, " axes"), str(value.size()));
  }
  Shape shape;
  for (const Json& axis : value) {
    const std::optional<std::uint64_t> length = natural_number(axis);
    if (!length || *length > std::numeric_limits<std::int64_t>::max()) {
      source.wanted("a shape of whole numbers from 0 to 2^63 - 1", described(axis));
    }
    shape.push_back(static_cast<std::int64_t>(*length));
  }
  return shape;
}

// The bytes that the elements of a shape take.
std::uint64_t bytes_of(const Shape& shape, DType dtype, const Source& source) {
  const std::optional<std::int64_t> count = element_count(shape);
  std::uint64_t bytes = 0;
  if (!count ||
      __builtin_mul_overflow(static_cast<std::uint64_t>(*count), size_of(dtype), &bytes)) {
    source.wanted("a shape whose bytes can be counted in 64 bits", to_string(shape));
  }
  return bytes;
}

// Where the tensor's bytes begin and end, from the end of the header.
std::pair<std::uint64_t, std::uint64_t> parse_offsets(const Source& source) {
  const Json& value = source.member("data_offsets");
  if (!value.is_array() || value.size() != 2) {
    source.wanted("an array \"data_offsets\" of 2",
                  value.is_array() ? str("one of ", value.size()) : described(value));
  }
  const auto begin = natural_number(value[0]), end = natural_number(value[1]);
  if (!begin || !end) {
    source.wanted("data_offsets of whole numbers from 0", described(value[begin ? 1 : 0]));
  }
  if (*begin > *end) {
    source.wanted("data_offsets in order", str("[", *begin, ", ", *end, "]"));
  }
  if (*end > source.data_bytes) {
    source.wanted(str("data_offsets within the ", source.data_bytes,
                      " bytes behind the header (is the file cut off?)"),
                  str("[", *begin, ", ", *end, "]"));
  }
  return {*begin, *end};
}

// The offset is still counted from the end of the header.
Entry parse_entry(const Source& source) {
  if (!source.value.is_object()) source.wanted("an object", described(source.value));
  Entry entry;
  entry.info = {source.name, parse_dtype(source), parse_shape(source), 0, source.file};
  entry.info.bytes = bytes_of(entry.info.shape, entry.info.dtype, source);
  const auto [begin, end] = parse_offsets(source);
  if (end - begin != entry.info.bytes) {
    source.wanted(str(entry.info.bytes, " bytes for ", name_of(entry.info.dtype), " ",
                      to_string(entry.info.shape)),
                  str(end - begin));
  }
  entry.offset = begin;
  return entry;
}

std::map<std::string, std::string> parse_metadata(const Json& value, const std::string& where) {
  if (value.is_null()) return {};  // as MLX's mx.save_safetensors writes none
  if (!value.is_object()) {
    fail_wanted(ErrorKind::kFormat, where, "an object \"__metadata__\"", described(value));
  }
  std::map<std::string, std::string> metadata;
  for (const auto& [key, item] : value.items()) {
    if (!item.is_string()) {
      fail_wanted(ErrorKind::kFormat, where, str("a string for metadata ", quoted(key)),
                  described(item));
    }
    metadata.emplace(key, item.get<std::string>());
  }
  return metadata;
}

// The tensors must cover the data without overlap, hole or rest, as the format demands.
void check_cover(const std::vector<Entry>& entries, std::uint64_t data_bytes,
                 const std::string& where) {
  std::vector<const Entry*> order;
  for (const Entry& entry : entries) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) {
    return std::pair(a->offset, a->info.bytes) < std::pair(b->offset, b->info.bytes);
  });
  std::uint64_t covered = 0;
  for (const Entry* entry : order) {
    if (entry->offset != covered) {
      fail_wanted(ErrorKind::kFormat, str(where, ", tensor ", quoted(entry->info.name)),
                  str("data from byte ", covered, ", where the tensor before ends"),
                  str("data from byte ", entry->offset,
                      entry->offset < covered ? ", an overlap" : ", a hole"));
    }
    covered += entry->info.bytes;
  }
  if (covered != data_bytes) {
    fail_wanted(ErrorKind::kFormat, where, str(covered, " bytes of tensors behind the header"),
                str(data_bytes));
  }
}

// The header's JSON, its length checked.
std::string_view header_text(std::span<const std::byte> start, std::uint64_t file_bytes,
                             const std::string& where) {
  refuse_lfs_pointer({reinterpret_cast<const char*>(start.data()), start.size()}, where);
  if (file_bytes < kLengthBytes) {
    fail_wanted(ErrorKind::kFormat, where, "a safetensors file, of 8 bytes at least",
                str(file_bytes, " bytes"));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, start.data(), kLengthBytes);
  const std::uint64_t rest = file_bytes - kLengthBytes;
  if (length > kMostSafetensorsHeaderBytes || length > rest) {
    fail_wanted(ErrorKind::kFormat, where,
                str("a safetensors header of at most ", std::min(kMostSafetensorsHeaderBytes, rest),
                    " bytes"),
                str(length, " (is it a safetensors file, and whole?)"));
  }
  const auto json = start.subspan(kLengthBytes, static_cast<std::size_t>(length));
  const std::string_view text(reinterpret_cast<const char*>(json.data()), json.size());
  if (text.empty() || text.front() != '{') {
    fail_wanted(ErrorKind::kFormat, where, "a safetensors header that starts with {",
                text.empty() ? "an empty one" : quoted(text.substr(0, 1)));
  }
  return text;
}

}  // namespace

SafetensorsHeader parse_safetensors(std::span<const std::byte> start, std::uint64_t file_bytes,
                                    const std::filesystem::path& file) {
  const std::string where = file.string();
  const std::string_view text = header_text(start, file_bytes, where);
  const Json json = parse_json(text, where, kHeaderLimits);
  const std::uint64_t data_start = kLengthBytes + text.size();
  const std::uint64_t data_bytes = file_bytes - data_start;

  SafetensorsHeader header;
  for (const auto& [name, value] : json.items()) {  // sorted by name
    if (name == kMetadata) {
      header.metadata = parse_metadata(value, where);
    } else {
      header.entries.push_back(parse_entry({file, name, value, data_bytes}));
    }
  }
  check_cover(header.entries, data_bytes, where);
  for (Entry& entry : header.entries) entry.offset += data_start;
  return header;
}

}  // namespace xlstm
