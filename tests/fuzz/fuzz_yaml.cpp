// parse_yaml on any bytes: an Error, or a value that is the same when it is written as JSON and
// read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"
#include "xlstm/base/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace xlstm;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const Json value = parse_yaml(text, "fuzz");
    if (parse_json(value.dump(), "again") != value) std::abort();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kFormat) std::abort();
    if (utf8_first_error(error.what()) != std::string::npos) std::abort();
  }
  return 0;
}
