#include "xlstm/grammar/regex_parser.h"

#include <optional>
#include <string>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"
#include "xlstm/grammar/regex_classes.h"
#include "xlstm/text/characters.h"

namespace xlstm::grammar {
namespace {

constexpr std::size_t kMostGroups = 200;  // in each other: each is a few frames of our stack
constexpr std::uint32_t kMostTimes = 100'000;
constexpr char32_t kLastCharacter = 0x10FFFF;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
std::optional<std::uint32_t> hex_digit(char c) {
  if (is_digit(c)) return static_cast<std::uint32_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint32_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint32_t>(c - 'A' + 10);
  return std::nullopt;
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) : pattern_(pattern) {
    const std::size_t error = utf8_first_error(pattern);
    if (error == std::string_view::npos) return;
    at_ = error;
    wanted("UTF-8", "other bytes");
  }

  Expression whole() {
    Part part = alternatives(true, 0);
    if (!at_end()) wanted("the end", "')' without '('");
    return std::move(part.expression);
  }

 private:
  // Anchors change nothing at the ends of the whole; what has one in it cannot stand elsewhere.
  struct Part {
    Expression expression;
    bool has_start = false;                  // "^" in it
    std::optional<std::size_t> end_at = {};  // the offset of a "$" in it
  };

  bool at_end() const { return at_ == pattern_.size(); }
  char peek() const { return pattern_[at_]; }
  bool starts_with(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  bool take(std::string_view text) {
    if (!starts_with(text)) return false;
    at_ += text.size();
    return true;
  }
  std::string found() const {
    if (at_end()) return "the end";
    const std::string_view rest = pattern_.substr(at_);
    return quoted(rest.substr(0, utf8_sequence_length(rest)));
  }

  [[noreturn]] void wanted(std::string_view what, std::string_view got) const {
    fail_wanted(ErrorKind::kUsage, str("regular expression ", quoted(pattern_), ", offset ", at_),
                what, got);
  }
  [[noreturn]] void unsupported(std::size_t at, std::string_view what) {
    at_ = at;
    wanted("what a regular expression of ours has (docs/grammar.md)", what);
  }

  Part alternatives(bool at_start, std::size_t depth) {
    Part all;
    std::vector<Expression> parts;
    do {
      Part part = concatenation(at_start, depth);
      parts.push_back(std::move(part.expression));
      all.has_start = all.has_start || part.has_start;
      if (part.end_at) all.end_at = part.end_at;
    } while (take("|"));
    all.expression = choice(std::move(parts));
    return all;
  }

  Part concatenation(bool at_start, std::size_t depth) {
    Part all;
    std::vector<Expression> parts;
    while (!at_end() && peek() != '|' && peek() != ')') {
      if (all.end_at && peek() != '$') unsupported(*all.end_at, "'$' with more behind it");
      const std::size_t begin = at_;
      if (take("^")) {
        if (!at_start || !parts.empty()) unsupported(begin, "'^' behind the start");
        all.has_start = true;
      } else if (take("$")) {
        all.end_at = begin;
      } else {
        Part part = repeated(at_start && parts.empty(), depth);
        parts.push_back(std::move(part.expression));
        all.has_start = all.has_start || part.has_start;
        if (part.end_at) all.end_at = part.end_at;
      }
    }
    all.expression = sequence(std::move(parts));
    return all;
  }

  Part repeated(bool at_start, std::size_t depth) {
    Part part = atom(at_start, depth);
    const std::size_t begin = at_;
    const std::optional<std::pair<std::uint32_t, std::uint32_t>> times = quantifier();
    if (!times) return part;
    if (part.has_start || part.end_at) unsupported(begin, "repeated '^' or '$'");
    take("?");  // the shortest match first: the same texts
    if (!at_end() && peek() == '+') unsupported(at_, "a possessive '+'");
    if (!at_end() && (peek() == '*' || peek() == '?' || quantifier_ahead())) {
      wanted("something to repeat", found());
    }
    part.expression = repeat(std::move(part.expression), times->first, times->second);
    return part;
  }

  // {m}, {m,} or {m,n} come next; any other "{" is one to match.
  bool quantifier_ahead() const {
    if (!starts_with("{")) return false;
    std::size_t at = at_ + 1;
    const std::size_t first = at;
    while (at < pattern_.size() && is_digit(pattern_[at])) ++at;
    const bool has_least = at > first;
    if (at < pattern_.size() && pattern_[at] == ',') ++at;
    while (at < pattern_.size() && is_digit(pattern_[at])) ++at;
    return at < pattern_.size() && pattern_[at] == '}' && (has_least || at > first + 1);
  }

  std::optional<std::pair<std::uint32_t, std::uint32_t>> quantifier() {
    if (take("*")) return std::pair{0U, kUnbounded};
    if (take("+")) return std::pair{1U, kUnbounded};
    if (take("?")) return std::pair{0U, 1U};
    if (!quantifier_ahead()) return std::nullopt;
    take("{");
    if (peek() == ',') wanted("{0,n}, as dialects differ on {,n}", "{,");
    const std::uint32_t least = count();
    std::uint32_t most = least;
    const std::size_t comma = at_;
    if (take(",")) most = peek() == '}' ? kUnbounded : count();
    if (most < least) {
      at_ = comma + 1;
      wanted(str("at least ", least), str(most));
    }
    take("}");
    return std::pair{least, most};
  }

  std::uint32_t count() {
    const std::size_t begin = at_;
    std::uint32_t value = 0;
    for (; is_digit(peek()); ++at_) {
      value = value * 10 + static_cast<std::uint32_t>(peek() - '0');
      if (value > kMostTimes) {
        at_ = begin;
        wanted(str("a count of at most ", kMostTimes), "a larger one");
      }
    }
    return value;
  }

  Part atom(bool at_start, std::size_t depth) {
    const std::size_t begin = at_;
    if (take("(")) return group(begin, at_start, depth);
    if (take("[")) return {set(begin)};
    if (take(".")) return {characters(all_but(character_set({{'\n', '\n'}})))};
    if (peek() == '*' || peek() == '+' || peek() == '?' || quantifier_ahead()) {
      wanted("something to repeat", found());
    }
    if (take("\\")) return {characters(escape(begin))};
    const char32_t c = character();
    return {characters({{c, c}})};
  }

  Part group(std::size_t begin, bool at_start, std::size_t depth) {
    if (depth == kMostGroups) {
      at_ = begin;
      wanted(str("at most ", kMostGroups, " groups in each other"), "more");
    }
    if (starts_with("?")) group_kind(begin);
    Part part = alternatives(at_start, depth + 1);
    if (!take(")")) wanted(str("')' for the '(' at ", begin), found());
    return part;
  }

  void group_kind(std::size_t begin) {
    if (take("?:")) return;
    if (starts_with("?=") || starts_with("?!") || starts_with("?<=") || starts_with("?<!")) {
      unsupported(begin, "lookaround");
    }
    if (!take("?<") && !take("?P<")) unsupported(begin, "'(?': flags or another kind of group");
    const std::size_t name = at_;
    while (!at_end() && (is_letter(peek()) || is_digit(peek()) || peek() == '_')) ++at_;
    if (at_ == name || !take(">")) wanted("a name of letters and digits, and '>'", found());
  }

  // One character of the pattern as it stands.
  char32_t character() {
    const text::CodePoint c = text::code_point_at(pattern_, at_);
    at_ += c.size;
    return c.value;
  }

  // What stands behind the "\" at `begin`.
  CharacterSet escape(std::size_t begin) {
    if (at_end()) wanted("a character behind '\\'", "the end");
    const char c = peek();
    if (const auto set = class_of_escape(c)) {
      ++at_;
      return *set;
    }
    const char32_t one = escaped_character(begin);
    return {{one, one}};
  }

  char32_t escaped_character(std::size_t begin) {
    const char c = peek();
    if (!is_letter(c) && !is_digit(c)) return character();
    ++at_;
    switch (c) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'f':
        return '\f';
      case 'v':
        return '\v';
      case '0':
        if (at_end() || !is_digit(peek())) return 0;
        unsupported(begin, "an octal number: write \\xHH");
      case 'x':
        return code_point(2);
      case 'u':
        return code_point(4);
      case 'b':
      case 'B':
        unsupported(begin, "a word boundary");
      case 'p':
      case 'P':
        unsupported(begin, "a property of Unicode");
      default:
        if (is_digit(c) || c == 'k') unsupported(begin, "a backreference");
        unsupported(begin, str("'\\", c, "'"));
    }
  }

  // {H...}, or so many hexadecimal digits.
  char32_t code_point(std::size_t digits) {
    const std::size_t begin = at_;
    const bool in_braces = take("{");
    char32_t value = 0;
    std::size_t count = 0;
    for (; !at_end() && (in_braces || count < digits); ++at_, ++count) {
      const std::optional<std::uint32_t> digit = hex_digit(peek());
      if (!digit) break;
      value = value * 16 + *digit;
      if (value > kLastCharacter) break;
    }
    if (value > kLastCharacter || (value >= 0xD800 && value <= 0xDFFF)) {
      at_ = begin;
      wanted("a character of Unicode, 0 to 10FFFF without D800 to DFFF", "another number");
    }
    if (count == 0 || (in_braces ? !take("}") : count < digits)) {
      wanted(in_braces ? std::string("hexadecimal digits and '}'")
                       : str(digits, " hexadecimal digits"),
             found());
    }
    return value;
  }

  // Behind the "[" at `begin`.
  Expression set(std::size_t begin) {
    const bool is_negated = take("^");
    std::vector<CharacterRange> ranges;
    for (bool is_first = true; is_first || !starts_with("]"); is_first = false) {
      if (at_end()) wanted(str("']' for the '[' at ", begin), "the end");
      add_set_item(ranges);
    }
    take("]");
    CharacterSet set = character_set(std::move(ranges));
    if (is_negated) set = all_but(set);
    if (set.empty()) {
      at_ = begin;
      wanted("a set with a character in it", "an empty one");
    }
    return characters(std::move(set));
  }

  void add_set_item(std::vector<CharacterRange>& ranges) {
    const std::size_t begin = at_;
    const CharacterSet first = set_member();
    const bool is_range = starts_with("-") && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']';
    if (!is_range) {
      ranges.insert(ranges.end(), first.begin(), first.end());
      return;
    }
    take("-");
    const CharacterSet last = set_member();
    const auto is_one = [](const CharacterSet& set) {
      return set.size() == 1 && set[0].first == set[0].last;
    };
    if (!is_one(first) || !is_one(last) || first[0].first > last[0].first) {
      const std::string got = quoted(pattern_.substr(begin, at_ - begin));
      at_ = begin;
      wanted("a range from a character to one that is not before it", got);
    }
    ranges.push_back({first[0].first, last[0].first});
  }

  CharacterSet set_member() {
    const std::size_t begin = at_;
    if (starts_with("[:") || starts_with("[.") || starts_with("[=")) {
      unsupported(begin, "a class of POSIX: write '\\[' for a bracket");
    }
    if (take("\\")) return escape(begin);
    const char32_t c = character();
    return {{c, c}};
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
};

}  // namespace

Expression parse_regex(std::string_view pattern) {
  return Parser(pattern).whole();
}

}  // namespace xlstm::grammar
