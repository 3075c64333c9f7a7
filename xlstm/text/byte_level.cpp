#include "xlstm/text/byte_level.h"

#include <array>

#include "xlstm/text/characters.h"

namespace xlstm::text {
namespace {

constexpr std::size_t kBytes = 256;
constexpr std::size_t kCharacters = 0x144;  // one past the last character in use

constexpr bool is_printable(std::size_t byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) ||
         (byte >= 0xAE && byte <= 0xFF);
}

// Printable bytes stand for themselves, the others take the characters from U+0100 on in order.
constexpr std::array<char32_t, kBytes> character_table() {
  std::array<char32_t, kBytes> table{};
  char32_t next = 0x100;
  for (std::size_t byte = 0; byte < kBytes; ++byte) {
    table[byte] = is_printable(byte) ? static_cast<char32_t>(byte) : next++;
  }
  return table;
}

constexpr std::array<char32_t, kBytes> kCharacterOf = character_table();

constexpr std::array<std::int16_t, kCharacters> byte_table() {
  std::array<std::int16_t, kCharacters> table{};
  for (std::int16_t& entry : table) entry = -1;
  for (std::size_t byte = 0; byte < kBytes; ++byte) {
    table[kCharacterOf[byte]] = static_cast<std::int16_t>(byte);
  }
  return table;
}

constexpr std::array<std::int16_t, kCharacters> kByteOf = byte_table();

}  // namespace

char32_t byte_level_character(std::uint8_t byte) {
  return kCharacterOf[byte];
}

std::optional<std::uint8_t> byte_level_byte(char32_t character) {
  if (character >= kCharacters || kByteOf[character] < 0) return std::nullopt;
  return static_cast<std::uint8_t>(kByteOf[character]);
}

std::string byte_level_text(std::string_view text) {
  std::string spelled;
  spelled.reserve(text.size() + text.size() / 2);
  for (const char c : text) append_utf8(spelled, kCharacterOf[static_cast<std::uint8_t>(c)]);
  return spelled;
}

std::string byte_level_bytes(std::string_view token) {
  std::string bytes;
  bytes.reserve(token.size());
  for (std::size_t at = 0; at < token.size();) {
    const CodePoint point = code_point_at(token, at);
    const std::optional<std::uint8_t> byte = byte_level_byte(point.value);
    if (!byte) return std::string(token);
    bytes += static_cast<char>(*byte);
    at += point.size;
  }
  return bytes;
}

}  // namespace xlstm::text
