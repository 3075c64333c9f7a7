#include "tests/metal/emulator/address_words.h"

#include <cctype>
#include <regex>
#include <string>

namespace xlstm::metal_emulator {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool is_builtin_type(const std::string& word) {
  static const std::regex kTypes(
      "(float|half|bfloat|int|uint|short|ushort|char|uchar|long|ulong)[234]?|bool|auto|void|size_t|"
      "u?int(8|16|32|64)_t|b?float16_t|simdgroup_(float|half|bfloat)8x8");
  return std::regex_match(word, kTypes);
}

bool names_a_space(const std::string& declaration) {
  static const std::regex kSpaces("\\b(device|constant|threadgroup|thread)\\b");
  return std::regex_search(declaration, kSpaces);
}

// Where the declaration that ends before `end` begins: behind the last bracket, comma or semicolon
// outside of template arguments.
std::size_t begin_of_declaration(std::string_view text, std::size_t end) {
  int depth = 0;
  for (std::size_t at = end; at > 0; --at) {
    const char c = text[at - 1];
    if (c == '>') ++depth;
    if (depth == 0 && std::string_view(";{}()[]<,=").find(c) != std::string_view::npos) return at;
    if (c == '<') --depth;
  }
  return 0;
}

bool declares(std::string_view text, std::size_t at) {
  const char mark = text[at], next = at + 1 < text.size() ? text[at + 1] : ' ';
  if (at == 0 || next == mark || next == '=' || text[at - 1] == mark) return false;
  const std::size_t last = text.find_last_not_of(" \n", at - 1);
  if (last == std::string_view::npos || (!is_word(text[last]) && text[last] != '>')) return false;
  std::size_t first = last + 1;
  while (first > 0 && is_word(text[first - 1])) --first;
  if (is_builtin_type(std::string(text.substr(first, last + 1 - first)))) return true;
  return last == at - 1 && (next == ' ' || next == ')' || next == ',' || next == '>');
}

}  // namespace

std::size_t pointer_without_space(std::string_view text) {
  for (std::size_t at = text.find_first_of("*&"); at != std::string_view::npos;
       at = text.find_first_of("*&", at + 1)) {
    if (!declares(text, at)) continue;
    const std::size_t begin = begin_of_declaration(text, at);
    if (!names_a_space(std::string(text.substr(begin, at - begin)))) return at;
  }
  return std::string_view::npos;
}

}  // namespace xlstm::metal_emulator
