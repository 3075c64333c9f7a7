// parse_npy on any bytes: an Error, or a header that is within them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"
#include "xlstm/weights/npz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace xlstm;
  try {
    const NpyHeader header = parse_npy(std::as_bytes(std::span(data, size)), "fuzz");
    if (header.header_bytes < 10 || header.header_bytes > size) std::abort();
    for (const std::int64_t length : header.shape) {
      if (length < 0) std::abort();
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kFormat && error.kind() != ErrorKind::kModel) std::abort();
    if (utf8_first_error(error.what()) != std::string::npos) std::abort();
  }
  return 0;
}
