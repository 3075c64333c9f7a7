#include "xlstm/weights/safetensors_writer.h"

#include <bit>
#include <set>
#include <string_view>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/utf8.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the header's length is written as it is");

void check_text(std::string_view text, const std::string& where) {
  if (utf8_first_error(text) == std::string_view::npos) return;
  fail_wanted(ErrorKind::kUsage, where, "names and metadata in UTF-8", quoted(text));
}

void check_headings(const std::vector<TensorHeader>& tensors, const std::string& where) {
  std::set<std::string_view> names = {"__metadata__"};  // taken by the format
  for (const TensorHeader& tensor : tensors) {
    check_text(tensor.name, where);
    if (!names.insert(tensor.name).second) {
      fail_wanted(ErrorKind::kUsage, where, "each name once", str(quoted(tensor.name), " again"));
    }
    const auto count = element_count(tensor.shape);
    std::uint64_t bytes = 0;
    if (!count ||
        __builtin_mul_overflow(static_cast<std::uint64_t>(*count), size_of(tensor.dtype), &bytes)) {
      fail_wanted(ErrorKind::kUsage, str(where, ", tensor ", quoted(tensor.name)), "a shape",
                  to_string(tensor.shape));
    }
  }
}

// Padded with spaces, so that the data starts at a multiple of 8.
std::string header_text(const std::vector<TensorHeader>& tensors,
                        const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t at = 0;
  for (const TensorHeader& tensor : tensors) {
    const std::uint64_t end = at + tensor.bytes();
    header[tensor.name] = {
        {"dtype", name_of(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

std::string checked_header(const std::vector<TensorHeader>& tensors,
                           const std::map<std::string, std::string>& metadata,
                           const std::string& where) {
  check_headings(tensors, where);
  for (const auto& [key, value] : metadata) {
    check_text(key, where);
    check_text(value, where);
  }
  std::string header = header_text(tensors, metadata);
  if (header.size() <= kMostSafetensorsHeaderBytes) return header;
  fail_wanted(
      ErrorKind::kUsage, where,
      str("names and metadata for a header of at most ", kMostSafetensorsHeaderBytes, " bytes"),
      str(header.size()));
}

}  // namespace

std::uint64_t TensorHeader::bytes() const {
  return static_cast<std::uint64_t>(element_count(shape).value_or(0)) * size_of(dtype);
}

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& file,
                                     const std::vector<TensorHeader>& tensors,
                                     const std::map<std::string, std::string>& metadata)
    : file_(file), where_(file.string()) {
  const std::string header = checked_header(tensors, metadata, where_);
  const std::uint64_t length = header.size();
  for (const TensorHeader& tensor : tensors) left_ += tensor.bytes();
  file_.write(std::as_bytes(std::span(&length, 1)));
  file_.write(header);
}

void SafetensorsWriter::write(std::span<const std::byte> bytes) {
  if (bytes.size() > left_) {
    fail_wanted(ErrorKind::kInternal, where_, str(left_, " bytes more"), str(bytes.size()));
  }
  left_ -= bytes.size();
  file_.write(bytes);
}

void SafetensorsWriter::commit() {
  if (left_ > 0) fail_wanted(ErrorKind::kInternal, where_, str(left_, " bytes more"), "none");
  file_.commit();
}

}  // namespace xlstm
