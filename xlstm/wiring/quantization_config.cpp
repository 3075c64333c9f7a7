#include "xlstm/wiring/quantization_config.h"

#include <limits>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

// A missing bits or group size is the mode's own, as in MLX.
DeclaredFormat read_format(const Json& object, std::string_view where) {
  DeclaredFormat out;
  out.mode = get_string(object, "mode", where).value_or(out.mode);
  if (out.mode == "mxfp4") out.group_size = 32;
  out.bits = get_int(object, "bits", where).value_or(out.bits);
  out.group_size = get_int(object, "group_size", where).value_or(out.group_size);
  return out;
}

bool is_int(std::int64_t value) {
  return value >= 0 && value <= std::numeric_limits<int>::max();
}

// MLX's own name for the member, and the one that its tools write beside it for Hugging Face's;
// other methods' members of that name say which method they are.
const Json* find_member(const Json& root) {
  for (const char* key : {"quantization", "quantization_config"}) {
    const auto found = root.find(key);
    if (found == root.end() || found->is_null()) continue;
    if (found->is_object() && found->contains("quant_method")) continue;
    return &*found;
  }
  return nullptr;
}

}  // namespace

std::optional<Quantization> DeclaredFormat::supported() const {
  const auto known = quantization_mode_from_name(mode);
  if (!known || !is_int(bits) || !is_int(group_size)) return std::nullopt;
  const Quantization q{*known, static_cast<int>(bits), static_cast<int>(group_size)};
  return is_supported(q) ? std::optional(q) : std::nullopt;
}

std::string DeclaredFormat::text() const {
  return str("mode ", quoted(mode), ", ", bits, " bits, groups of ", group_size);
}

const DeclaredFormat* QuantizationConfig::find(const std::string& path) const {
  const auto layer = layers.find(path);
  const std::optional<DeclaredFormat>& format = layer == layers.end() ? common : layer->second;
  return format ? &*format : nullptr;
}

QuantizationConfig read_quantization(const Json& root, std::string_view where) {
  QuantizationConfig out;
  const Json* member = find_member(root);
  if (member == nullptr) return out;
  const std::string inside = str(where, ", quantization");
  if (!member->is_object()) {
    fail_wanted(ErrorKind::kFormat, inside, "an object", described(*member));
  }
  if (member->contains("bits") || member->contains("group_size") || member->contains("mode")) {
    out.common = read_format(*member, inside);
  }
  for (const auto& [key, value] : member->items()) {
    if (value.is_object()) {
      out.layers.emplace(key, read_format(value, str(inside, ", ", quoted(key))));
    } else if (value.is_boolean()) {
      out.layers.emplace(key, value.get<bool>() ? out.common : std::nullopt);
    }
  }
  return out;
}

}  // namespace xlstm
