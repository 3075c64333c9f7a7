#include "xlstm/grammar/expression.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "xlstm/text/characters.h"

namespace xlstm::grammar {
namespace {

constexpr char32_t kBeforeSurrogates = 0xD7FF, kBehindSurrogates = 0xE000,
                   kLastCharacter = 0x10FFFF;

}  // namespace

CharacterSet character_set(std::vector<CharacterRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  CharacterSet set;
  const auto add = [&set](char32_t first, char32_t last) {
    if (first > last) return;
    if (!set.empty() && first <= set.back().last + 1) {
      set.back().last = std::max(set.back().last, last);
    } else {
      set.push_back({first, last});
    }
  };
  for (const CharacterRange& range : ranges) {
    add(range.first, std::min(range.last, kBeforeSurrogates));
    add(std::max(range.first, kBehindSurrogates), range.last);
  }
  return set;
}

CharacterSet all_but(const CharacterSet& set) {
  std::vector<CharacterRange> rest;
  char32_t next = 0;
  for (const CharacterRange& range : set) {
    if (next < range.first) rest.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastCharacter) rest.push_back({next, kLastCharacter});
  return character_set(std::move(rest));
}

Expression sequence(std::vector<Expression> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  return {.kind = Expression::Kind::kSequence, .parts = std::move(parts)};
}

Expression choice(std::vector<Expression> parts) {
  assert(!parts.empty());
  if (parts.size() == 1) return std::move(parts.front());
  return {.kind = Expression::Kind::kChoice, .parts = std::move(parts)};
}

Expression repeat(Expression part, std::uint32_t least, std::uint32_t most) {
  assert(least <= most);
  std::vector<Expression> parts;
  parts.push_back(std::move(part));
  return {
      .kind = Expression::Kind::kRepeat, .parts = std::move(parts), .least = least, .most = most};
}

Expression characters(CharacterSet set) {
  assert(!set.empty());
  return {.kind = Expression::Kind::kCharacters, .characters = std::move(set)};
}

Expression call(std::size_t rule) {
  return {.kind = Expression::Kind::kCall, .rule = rule};
}

Expression literal(std::string_view text) {
  std::vector<Expression> parts;
  for (std::size_t at = 0; at < text.size();) {
    const text::CodePoint c = text::code_point_at(text, at);
    parts.push_back(characters({{c.value, c.value}}));
    at += c.size;
  }
  return sequence(std::move(parts));
}

}  // namespace xlstm::grammar
