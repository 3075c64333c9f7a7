#include <bit>
#include <set>

#include "xlstm/base/atomic_file.h"
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

void check_bytes(const TensorToWrite& tensor, const std::string& where) {
  const std::optional<std::int64_t> count = element_count(tensor.shape);
  std::uint64_t wanted = 0;
  if (count &&
      !__builtin_mul_overflow(static_cast<std::uint64_t>(*count), size_of(tensor.dtype), &wanted) &&
      wanted == tensor.bytes.size()) {
    return;
  }
  fail_wanted(ErrorKind::kUsage, str(where, ", tensor ", quoted(tensor.name)),
              str("the bytes of ", name_of(tensor.dtype), " ", to_string(tensor.shape)),
              str(tensor.bytes.size(), " bytes"));
}

void check_tensors(const std::vector<TensorToWrite>& tensors, const std::string& where) {
  std::set<std::string_view> names = {"__metadata__"};  // taken by the format
  for (const TensorToWrite& tensor : tensors) {
    check_text(tensor.name, where);
    if (!names.insert(tensor.name).second) {
      fail_wanted(ErrorKind::kUsage, where, "each name once", str(quoted(tensor.name), " again"));
    }
    check_bytes(tensor, where);
  }
}

// Padded with spaces, so that the data starts at a multiple of 8.
std::string header_text(const std::vector<TensorToWrite>& tensors,
                        const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t at = 0;
  for (const TensorToWrite& tensor : tensors) {
    const std::uint64_t end = at + tensor.bytes.size();
    header[tensor.name] = {
        {"dtype", name_of(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& file, const std::vector<TensorToWrite>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string where = file.string();
  check_tensors(tensors, where);
  for (const auto& [key, value] : metadata) {
    check_text(key, where);
    check_text(value, where);
  }
  const std::string header = header_text(tensors, metadata);
  const std::uint64_t length = header.size();
  if (length > kMostSafetensorsHeaderBytes) {
    fail_wanted(
        ErrorKind::kUsage, where,
        str("names and metadata for a header of at most ", kMostSafetensorsHeaderBytes, " bytes"),
        str(length));
  }
  AtomicFile out(file);
  out.write(std::as_bytes(std::span(&length, 1)));
  out.write(header);
  for (const TensorToWrite& tensor : tensors) out.write(tensor.bytes);
  out.commit();
}

}  // namespace xlstm
