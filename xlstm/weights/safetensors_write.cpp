#include "xlstm/base/error.h"
#include "xlstm/weights/safetensors.h"
#include "xlstm/weights/safetensors_writer.h"

namespace xlstm {
namespace {

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

}  // namespace

void write_safetensors(const std::filesystem::path& file, const std::vector<TensorToWrite>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<TensorHeader> headers;
  for (const TensorToWrite& tensor : tensors) {
    check_bytes(tensor, file.string());
    headers.push_back({tensor.name, tensor.dtype, tensor.shape});
  }
  SafetensorsWriter out(file, headers, metadata);
  for (const TensorToWrite& tensor : tensors) out.write(tensor.bytes);
  out.commit();
}

}  // namespace xlstm
