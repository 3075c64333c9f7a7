#include "tests/metal/emulator/composed.h"

#include <algorithm>

#include "mlx/fast_primitives.h"
#include "xlstm/base/error.h"

namespace xlstm::metal_emulator {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

[[noreturn]] void unknown(const Composed& kernel, std::string_view wanted) {
  fail_wanted(ErrorKind::kInternal, kernel.name, str(wanted, " in the text that MLX composed"),
              kernel.text);
}

Size3 size_of(const std::tuple<int, int, int>& size) {
  const auto [x, y, z] = size;
  return {static_cast<unsigned>(x), static_cast<unsigned>(y), static_cast<unsigned>(z)};
}

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kBlank) - first + 1));
}

// "const device float* x [[buffer(0)]]"
Parameter read_parameter(std::string_view declaration) {
  const std::size_t attribute = declaration.find("[[");
  const std::string plain = trimmed(declaration.substr(0, attribute));
  const std::size_t before_name = plain.find_last_of(" *&");
  Parameter out;
  out.is_buffer = declaration.find("[[buffer(") != std::string_view::npos;
  out.type = trimmed(std::string_view(plain).substr(0, before_name + 1));
  out.name = plain.substr(before_name + 1);
  return out;
}

}  // namespace

bool is_metal_kernel(const mx::array& array) {
  return array.has_primitive() && std::string_view(array.primitive().name()) == "CustomKernel";
}

Composed composed_kernel(const mx::array& array) {
  const auto& node = static_cast<const mx::fast::CustomKernel&>(array.primitive());
  const auto [name, text, grid, group, shape_infos, contiguous, init_value, scalars, precompiled,
              memory, options] = node.state();
  Composed out{.name = name,
               .text = text,
               .grid = size_of(grid),
               .group = size_of(group),
               .ensure_row_contiguous = contiguous,
               .init_value = init_value,
               .shape_infos = {},
               .math_mode = options};
  for (const auto& [shape, strides, ndim] : shape_infos)
    out.shape_infos.push_back({shape, strides, ndim});
  return out;
}

std::size_t Composed::body() const {
  const std::size_t begin = text.find(str("[[kernel]] void ", name, "("));
  const std::size_t end = begin == std::string::npos ? begin : text.find(") {", begin);
  if (end == std::string::npos) unknown(*this, "\"[[kernel]] void NAME(...) {\"");
  return end + 3;
}

std::vector<Parameter> Composed::parameters() const {
  const std::string opening = str("[[kernel]] void ", name, "(");
  const std::size_t begin = text.find(opening) + opening.size(), end = body() - 3;
  std::vector<Parameter> out;
  for (std::size_t at = begin; at < end;) {  // one a line
    const std::size_t next = std::min(text.find(",\n", at), end);
    out.push_back(read_parameter(std::string_view(text).substr(at, next - at)));
    at = next + 2;
  }
  return out;
}

std::string Composed::template_arguments() const {
  const std::string opening = str("decltype(", name, "<");
  const std::size_t begin = text.rfind(opening);
  if (begin == std::string::npos) return {};
  const std::size_t first = begin + opening.size() - 1, end = text.find(">)", first);
  if (end == std::string::npos) unknown(*this, "an instantiation by decltype(NAME<...>)");
  return text.substr(first, end + 1 - first);
}

}  // namespace xlstm::metal_emulator
