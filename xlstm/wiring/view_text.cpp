#include "xlstm/wiring/view_text.h"

#include <locale>
#include <sstream>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"

namespace xlstm {
namespace {

std::string with_digits(float number, int digits) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out.precision(digits);
  out << number;
  return out.str();
}

double read_back(const std::string& text) {
  std::istringstream in(text);
  in.imbue(std::locale::classic());
  double value = 0;
  in >> value;
  return value;
}

std::string cap_text(const std::optional<float>& cap) {
  return cap ? shortest(*cap) : "none";
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

std::string shortest(float number) {
  constexpr int kAlwaysEnough = 9;  // decimal digits of a float32
  int digits = 6;                   // from here on, whole numbers are not written as 3e+01
  while (digits < kAlwaysEnough &&
         static_cast<float>(read_back(with_digits(number, digits))) != number) {
    ++digits;
  }
  return with_digits(number, digits);
}

double shortest_double(float number) {
  return read_back(shortest(number));
}

std::string printable(std::string_view text) {
  std::string out = utf8_repaired(text);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return out;
}

std::string_view group_of(const Node& node) {
  const std::size_t dot = node.name.rfind('.');
  return dot == std::string::npos ? std::string_view() : std::string_view(node.name).substr(0, dot);
}

std::string_view short_name(const Node& node) {
  const std::string_view group = group_of(node);
  return std::string_view(node.name).substr(group.empty() ? 0 : group.size() + 1);
}

std::string_view short_name(const Slot& slot, const Node& node) {
  return std::string_view(slot.name).substr(node.name.size() + 1);
}

std::string format_text(const Slot& slot) {
  return slot.packed ? short_name(slot.packed->format) : "";
}

std::string sizes_line(const Plan& plan) {
  const LargeDims& d = plan.dims;
  return str(plan.family, " (", plan.dialect, "): V ", d.V, ", D ", d.D, ", L ", d.L, ", NH ", d.NH,
             ", DHQK ", d.DHQK, ", DHV ", d.DHV, ", F ", d.F, d.use_bias ? ", biases" : "",
             d.has_out_norm ? "" : ", no out_norm", d.tied_head ? ", tied head" : "");
}

std::string constants_line(const Plan& plan) {
  const LargeDims& d = plan.dims;
  return str("norm eps ", shortest(d.norm_eps), ", cell eps ", shortest(d.cell_eps), ", gate cap ",
             cap_text(d.gate_soft_cap), ", logit cap ", cap_text(d.output_logit_soft_cap),
             ", chunk ", d.chunk_size);
}

}  // namespace xlstm
