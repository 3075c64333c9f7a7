#include <cstring>
#include <set>

#include "xlstm/base/atomic_file.h"
#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/utf8.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm {
namespace {

void check_text(const std::string& file, std::string_view text) {
  if (utf8_first_error(text) == std::string_view::npos) return;
  fail_wanted(ErrorKind::kUsage, file, "names and metadata in UTF-8", quoted(text));
}

void check_tensor(const std::string& file, const TensorToWrite& tensor,
                  std::set<std::string>& names) {
  check_text(file, tensor.name);
  if (tensor.name == "__metadata__" || !names.insert(tensor.name).second) {
    fail_wanted(ErrorKind::kUsage, file, "tensor names once each", quoted(tensor.name));
  }
  const auto count = element_count(tensor.shape);
  if (!count || static_cast<std::uint64_t>(*count) * size_of(tensor.dtype) != tensor.bytes.size()) {
    fail_wanted(ErrorKind::kUsage, str(file, ": ", tensor.name),
                str("the bytes of ", name_of(tensor.dtype), " ", to_string(tensor.shape)),
                str(tensor.bytes.size()));
  }
}

// The header's text, padded with spaces so that the data starts at a multiple of 8.
std::string header_text(const std::string& file, const std::vector<TensorToWrite>& tensors,
                        const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  for (const auto& [key, value] : metadata) {
    check_text(file, key);
    check_text(file, value);
    header["__metadata__"][key] = value;
  }
  std::set<std::string> names;
  std::uint64_t at = 0;
  for (const TensorToWrite& tensor : tensors) {
    check_tensor(file, tensor, names);
    header[tensor.name] = {{"dtype", name_of(tensor.dtype)},
                           {"shape", tensor.shape},
                           {"data_offsets", {at, at + tensor.bytes.size()}}};
    at += tensor.bytes.size();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& file, const std::vector<TensorToWrite>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string header = header_text(file.string(), tensors, metadata);
  const std::uint64_t length = header.size();
  AtomicFile out(file);
  out.write(std::as_bytes(std::span(&length, 1)));
  out.write(header);
  for (const TensorToWrite& tensor : tensors) out.write(tensor.bytes);
  out.commit();
}

}  // namespace xlstm
