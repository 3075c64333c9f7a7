#include "tests/metal/emulator/translate.h"

#include <algorithm>
#include <cctype>

#include "xlstm/base/error.h"

namespace xlstm::metal_emulator {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Comments become blanks: they may hold any of the words below.
std::string without_comments(std::string text) {
  const auto blank = [&text](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < std::min(end, text.size()); ++i) {
      if (text[i] != '\n') text[i] = ' ';
    }
  };
  for (std::size_t at = 0; (at = text.find('/', at)) != std::string::npos; ++at) {
    if (text.compare(at, 2, "//") == 0) blank(at, text.find('\n', at));
    if (text.compare(at, 2, "/*") == 0) blank(at, text.find("*/", at + 2) + 2);
  }
  return text;
}

// Clang refuses the attributes of an explicit instantiation; what calls the kernel instantiates it
// instead.
std::string without_instantiation(std::string text) {
  const std::size_t begin = text.rfind("template [[host_name(");
  return begin == std::string::npos ? text : text.substr(0, begin);
}

std::string at_line(const Composed& kernel, std::size_t position) {
  const auto line = std::count(kernel.text.begin(),
                               kernel.text.begin() + static_cast<std::ptrdiff_t>(position), '\n');
  return str(label_of(kernel), ":", static_cast<long>(line) + 1);
}

// Where the declaration or type that the word at `at` begins has its first ';', '=', '{' or closing
// bracket, or a comma outside of all brackets.
std::size_t end_of_declarator(std::string_view text, std::size_t at) {
  int depth = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == ';' || c == '=' || c == '{' || (c == ',' && depth == 0)) return at;
    if (c == '(' || c == '[' || c == '<') ++depth;
    if (c == ')' || c == ']' || c == '>') --depth;
    if (depth < 0) return at;
  }
  return at;
}

// "threadgroup float tile[8][32]" -> MSL_TG(tile, [8][32], float)
std::string shared_declaration(std::string_view declaration) {
  std::string_view rest = declaration.substr(std::string_view("threadgroup").size());
  const std::size_t before_name = rest.find_last_not_of(" \t\n", rest.find('['));
  const std::size_t bracket = std::min(rest.find('['), rest.size());
  std::size_t end = std::min(before_name + 1, bracket);
  while (end > 0 && !is_word(rest[end - 1])) --end;
  std::size_t begin = end;
  while (begin > 0 && is_word(rest[begin - 1])) --begin;
  return str("MSL_TG(", rest.substr(begin, end - begin), ", ", rest.substr(bracket), ", ",
             rest.substr(0, begin), ")");
}

// Memory of the threadgroup is what "threadgroup" declares; before a pointer or a reference it only
// says of what. Left as it stands, another declaration would silently become memory of each
// thread's own.
std::string with_shared_memory(const Composed& kernel, const std::string& text) {
  constexpr std::string_view kWord = "threadgroup";
  const std::size_t body = kernel.body();
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at = 0; (at = text.find(kWord, at)) != std::string::npos; at += kWord.size()) {
    const std::size_t after = at + kWord.size();
    if ((at > 0 && is_word(text[at - 1])) || (after < text.size() && is_word(text[after])))
      continue;
    const std::size_t end = end_of_declarator(text, at);
    const std::string_view declaration = std::string_view(text).substr(at, end - at);
    // In brackets they multiply: "threadgroup float parts[GROUPS * 32]".
    if (declaration.substr(0, declaration.find('[')).find_first_of("*&") != std::string_view::npos)
      continue;
    if (text[end] != ';' || at < body) {
      fail_wanted(ErrorKind::kInternal, at_line(kernel, at),
                  "\"threadgroup TYPE NAME[...];\" in the kernel's body, one name each",
                  declaration);
    }
    out += text.substr(copied, at - copied) + shared_declaration(declaration);
    copied = end;
  }
  return out + text.substr(copied);
}

std::string argument(const Parameter& parameter, std::size_t buffer) {
  if (!parameter.is_buffer) {
    const bool three = parameter.type == "uint3";
    const std::string value = "t->" + parameter.name;
    return three ? str("uint3(", value, "[0], ", value, "[1], ", value, "[2])") : value + "[0]";
  }
  if (parameter.type.back() != '&') return str("(", parameter.type, ")b[", buffer, "]");
  return str("*(", parameter.type.substr(0, parameter.type.size() - 1), "*)b[", buffer, "]");
}

std::string caller(const Composed& kernel) {
  std::string arguments;
  std::size_t buffers = 0;
  for (const Parameter& parameter : kernel.parameters()) {
    arguments += (arguments.empty() ? "" : ", ") + argument(parameter, buffers);
    buffers += parameter.is_buffer;
  }
  return str(
      "extern \"C\" void msl_call(void* const* b, const msl::Thread* t) {\n  (void)b, (void)t;\n  ",
      kernel.name, kernel.template_arguments(), "(", arguments, ");\n}\n");
}

std::string edited(const Composed& kernel) {
  return with_shared_memory(kernel, without_instantiation(without_comments(kernel.text)));
}

}  // namespace

std::string label_of(const Composed& kernel) {
  constexpr std::string_view kPrefix = "custom_kernel_";
  return kernel.name.rfind(kPrefix, 0) == 0 ? kernel.name.substr(kPrefix.size()) : kernel.name;
}

std::string translated(const Composed& kernel) {
  return str("#include \"metal_stdlib.h\"\n#line 1 \"", label_of(kernel), "\"\n", edited(kernel),
             "\n#line 1 \"caller\"\n", caller(kernel));
}

std::string translated_for_check(const Composed& kernel) {
  const std::string arguments = kernel.template_arguments();
  const std::string instance = arguments.empty() ? ""
                                                 : str("template decltype(", kernel.name, arguments,
                                                       ") ", kernel.name, arguments, ";\n");
  return str("#include \"metal_stdlib.h\"\n#line 1 \"", label_of(kernel), "\"\n", edited(kernel),
             "\n", instance);
}

}  // namespace xlstm::metal_emulator
