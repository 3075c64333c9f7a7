// GPT-2's spelling of bytes as printable characters: byte 0x20 is "Ġ", 0x0A is "Ċ", "a" is itself.
// Source: Radford et al. 2019, encoder.py, bytes_to_unicode.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xlstm::text {

// The character that stands for `byte`.
char32_t byte_level_character(std::uint8_t byte);

// The byte that a character stands for, if it stands for one.
std::optional<std::uint8_t> byte_level_byte(char32_t character);

// Each byte of `text` as its character.
std::string byte_level_text(std::string_view text);

// The bytes that `token` spells; if one of its characters spells none, `token` itself.
std::string byte_level_bytes(std::string_view token);

}  // namespace xlstm::text
