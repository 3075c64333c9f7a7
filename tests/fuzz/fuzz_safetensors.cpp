// parse_safetensors on any bytes: it refuses them with an Error or gives views that lie in the
// file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"
#include "xlstm/weights/safetensors.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const std::string& bytes) {
  using namespace xlstm;
  try {
    const SafetensorsHeader header =
        parse_safetensors(std::as_bytes(std::span(bytes)), bytes.size(), "fuzz");
    const std::string* before = nullptr;
    std::uint64_t sum = 0;
    for (const auto& [info, offset] : header.entries) {
      require(offset >= 10 && offset <= bytes.size());  // 8 bytes of length, {} at least
      require(info.bytes <= bytes.size() - offset);
      require(before == nullptr || *before < info.name);
      require(element_count(info.shape).value() * size_of(info.dtype) == info.bytes);
      before = &info.name;
      sum += info.bytes;
    }
    require(sum <= bytes.size());
  } catch (const Error& error) {
    require(error.kind() == ErrorKind::kFormat || error.kind() == ErrorKind::kModel);
    require(utf8_first_error(error.what()) == std::string::npos);
  }
}

// The header's length before the header, so that a change inside does not make it wrong.
std::string with_length(std::string_view header, std::size_t data_bytes) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i));
  bytes += header;
  return bytes.append(data_bytes, 'x');
}

}  // namespace

// The first byte says what follows: 255 a whole file, else a header and how much data is behind it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  check(data[0] == 255 ? std::string(rest) : with_length(rest, data[0]));
  return 0;
}
