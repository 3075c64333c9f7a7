// read_pickle on any bytes: an Error, or values that can be written as JSON or are refused as too
// many.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/utf8.h"
#include "xlstm/weights/pickle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace xlstm;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const Pickle pickle = read_pickle(bytes, "fuzz");
    if (pickle.root == nullptr) std::abort();
    plain_json(*pickle.root, "fuzz").dump();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kFormat) std::abort();
    if (utf8_first_error(error.what()) != std::string::npos) std::abort();
  }
  return 0;
}
