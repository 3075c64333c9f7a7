#include "xlstm/wiring/view_text.h"

#include <utility>
#include <variant>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"

namespace xlstm {
namespace {

std::string text_of(const ConstantFact& fact) {
  struct Text {
    std::string operator()(std::monostate) const { return "none"; }
    std::string operator()(bool value) const { return value ? "yes" : "no"; }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(float value) const { return shortest(value); }
  };
  return std::visit(Text{}, fact.value);
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

std::string printable(std::string_view text) {
  std::string out = utf8_repaired(text);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return out;
}

std::string_view group_of(const Layer& layer) {
  const std::size_t dot = layer.name.rfind('.');
  return dot == std::string::npos ? std::string_view()
                                  : std::string_view(layer.name).substr(0, dot);
}

std::string_view short_name(const Layer& layer) {
  const std::string_view group = group_of(layer);
  return std::string_view(layer.name).substr(group.empty() ? 0 : group.size() + 1);
}

std::string_view short_name(const Parameter& parameter, const Layer& layer) {
  return std::string_view(parameter.name).substr(layer.name.size() + 1);
}

std::string format_text(const Parameter& parameter) {
  return parameter.packed ? short_name(parameter.packed->format) : "";
}

std::string sizes_line(const Plan& plan) {
  std::string out = str(plan.family, " (", plan.dialect, "): ");
  const char* separator = "";
  for (const SizeFact& size : plan.sizes) {
    out += str(std::exchange(separator, ", "), size.name, " ", size.value);
  }
  for (const std::string& variation : plan.variations) out += ", " + variation;
  return out;
}

std::string constants_line(const Plan& plan) {
  std::string out;
  for (const ConstantFact& fact : plan.constants) {
    if (fact.label.empty()) continue;
    out += str(out.empty() ? "" : ", ", fact.label, " ", text_of(fact));
  }
  return out;
}

}  // namespace xlstm
