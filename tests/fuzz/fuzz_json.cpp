// parse_json on any bytes: what it takes is JSON that reads the same when written again; what it
// takes the library takes too; what it refuses it refuses in a short, well-formed message.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/utf8.h"

namespace {

constexpr xlstm::JsonLimits kLimits = {.max_depth = 12, .max_values = 2000};

void require(bool condition) {
  if (!condition) std::abort();
}

std::size_t depth_of(const xlstm::Json& value) {
  if (!value.is_structured()) return 0;
  std::size_t deepest = 0;
  for (const xlstm::Json& item : value) deepest = std::max(deepest, depth_of(item));
  return deepest + 1;
}

void check_getters(const xlstm::Json& json) {
  using namespace xlstm;
  if (!json.is_object()) return;
  for (const auto& item : json.items()) {
    const std::string key = item.key();
    int taken = 0;
    const auto attempt = [&](const auto& get) {
      try {
        taken += get().has_value();
      } catch (const Error& error) {
        require(error.kind() == ErrorKind::kFormat);
      }
    };
    attempt([&] { return get_int(json, key, "fuzz"); });
    attempt([&] { return get_bool(json, key, "fuzz"); });
    attempt([&] { return get_string(json, key, "fuzz"); });
    require(taken <= 1);
    require(described(item.value()).size() < 1000);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace xlstm;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const Json json = parse_json(text, "fuzz", kLimits);
    require(depth_of(json) <= kLimits.max_depth);
    require(json == Json::parse(text));
    require(json == parse_json(json.dump(), "again", kLimits));
    check_getters(json);
  } catch (const Error& error) {
    const std::string_view message = error.what();
    require(error.kind() == ErrorKind::kFormat);
    require(utf8_first_error(message) == std::string_view::npos);
    require(message.size() < 2000);
  }
  return 0;
}
