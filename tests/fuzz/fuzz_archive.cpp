// A file of any bytes as weights, mostly ZIP archives of NumPy or torch: an Error, or tensors that
// can be read, in no more bytes than deflate could make of the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/support/temporary_folder.h"
#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"
#include "xlstm/weights/tensor_source.h"

namespace {

void read_all(const std::filesystem::path& file, std::size_t size) {
  const auto source = xlstm::open_weights(file);
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < source->tensors().size(); ++i) {
    if (source->tensors()[i].bytes > 1032 * size) std::abort();
    bytes += source->tensors()[i].bytes;
    if (bytes < 10'000'000) source->read_all(i);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace xlstm;
  static const TemporaryFolder folder;
  const auto file =
      folder.file("weights", std::string_view(reinterpret_cast<const char*>(data), size));
  try {
    read_all(file, size);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInternal) std::abort();
    if (utf8_first_error(error.what()) != std::string::npos) std::abort();
  }
  return 0;
}
