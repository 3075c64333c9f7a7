#include "xlstm/text/pattern_syntax.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/text/pattern_properties.h"

namespace xlstm::text {
namespace {

// Class members, without brackets. PCRE2's own \s takes U+180E too, its \w leaves marks out.
constexpr std::string_view kSpaces =
    R"(\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
constexpr std::string_view kNoSpaces =
    R"(\x{0}-\x{8}\x{e}-\x{1f}!-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff})"
    R"(\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff})";
// Oniguruma's \w has some numbers of Latin-1 that its [\w] has not.
constexpr std::string_view kWordInClass = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
constexpr std::string_view kWord =
    R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{b2}\x{b3}\x{b9}\x{bc}-\x{be})";
constexpr std::string_view kHexDigits = "0-9A-Fa-f";
constexpr std::size_t kNone = std::string::npos;

bool is_alphanumeric(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

class Translator {
 public:
  Translator(std::string_view in, std::string_view where) : in_(in), where_(where) {}

  std::string run() {
    while (at_ < in_.size()) element();
    return std::move(out_);
  }

 private:
  [[noreturn]] void refuse(std::string_view what) const {
    fail(ErrorKind::kModel, where_, str("cannot run the pattern ", quoted(in_), ": ", what));
  }

  bool next_is(std::string_view text) const { return in_.substr(at_).starts_with(text); }
  char take() {
    if (at_ == in_.size()) refuse("it ends too early");
    return in_[at_++];
  }
  std::string_view take_until(char end) {
    const std::size_t begin = at_;
    at_ = in_.find(end, begin);
    if (at_ == kNone) refuse(str("no ", quoted(std::string_view(&end, 1))));
    return in_.substr(begin, at_++ - begin);
  }

  // What a quantifier after it would repeat.
  void atom(std::string_view text) {
    atom_ = out_.size();
    quantified_ = false;
    out_ += text;
  }
  void no_atom(std::string_view text) {
    out_ += text;
    atom_ = kNone;
    quantified_ = false;
  }
  void set_atom(std::string_view members, bool negated) {
    atom(str(negated ? "[^" : "[", members, "]"));
  }

  void element() {
    const char c = take();
    switch (c) {
      case '\\':
        return escape();
      case '[':
        return character_class();
      case '(':
        return open_group();
      case ')':
        return close_group();
      case '*':
      case '+':
      case '?':
        return repeat(std::string(1, c), "?+");
      case '{':
        return interval();
      case '|':
        no_atom("|");
        at_start_ = true;
        return;
      case '^':
      case '$':
        no_atom(std::string_view(&c, 1));
        break;
      default:
        atom(character(c));
    }
    at_start_ = false;
  }

  // A whole character, so that a quantifier repeats all its bytes.
  std::string character(char lead) {
    std::string text(1, lead);
    while (at_ < in_.size() && (static_cast<unsigned char>(in_[at_]) & 0xC0) == 0x80) {
      text += in_[at_++];
    }
    return text;
  }

  // ---- quantifiers ----

  void wrap_atom() {
    out_.insert(atom_, "(?:");
    out_ += ')';
  }

  // `suffixes`: which of ? and + after it make it lazy and possessive. {n,m} has only the lazy one,
  // {n,m}+ repeats the repetition; {n} has none, {n}? means "{n} or nothing".
  void repeat(const std::string& quantifier, std::string_view suffixes) {
    if (atom_ == kNone) refuse("a quantifier with nothing to repeat");
    if (quantified_) wrap_atom();
    out_ += quantifier;
    quantified_ = true;
    if (at_ < in_.size() && suffixes.find(in_[at_]) != kNone) out_ += take();
  }

  std::string digits() {
    const std::size_t begin = at_;
    while (at_ < in_.size() && is_digit(in_[at_])) ++at_;
    return std::string(in_.substr(begin, at_ - begin));
  }

  // After "{": {n}, {n,}, {n,m} and {,m} repeat; anything else is that text.
  void interval() {
    const std::size_t begin = at_;
    const std::string least = digits();
    const bool has_comma = next_is(",");
    if (has_comma) ++at_;
    const std::string most = has_comma ? digits() : "";
    if (!next_is("}") || (least.empty() && most.empty())) {
      at_ = begin;
      atom("\\{");
      at_start_ = false;
      return;
    }
    ++at_;
    if (has_comma) {
      repeat(str("{", least.empty() ? "0" : least, ",", most, "}"), "?");
    } else {
      repeat(str("{", least, "}"), "");
    }
  }

  // ---- groups ----

  void open_group() {
    if (next_is("*")) refuse("a verb (*...)");
    if (next_is("?")) return open_special_group();
    groups_.push_back(out_.size());
    no_atom("(");
    at_start_ = true;
  }

  void open_special_group() {
    ++at_;
    if (next_is("#")) {
      take_until(')');
      return;
    }
    static constexpr std::string_view kPlain[] = {":", "=", "!", ">", "<=", "<!"};
    for (const std::string_view kind : kPlain) {
      if (next_is(kind)) return push_group(kind);
    }
    if (next_is("<")) {
      ++at_;
      return push_named_group(take_until('>'));
    }
    options();
  }

  void push_group(std::string_view kind) {
    groups_.push_back(out_.size());
    no_atom(str("(?", kind));
    at_ += kind.size();
    at_start_ = true;
  }

  void push_named_group(std::string_view name) {
    groups_.push_back(out_.size());
    no_atom(str("(?<", name, ">"));
    at_start_ = true;
  }

  // (?i) (?m-i: ...: its m is PCRE2's s.
  void options() {
    std::string flags;
    while (at_ < in_.size() && in_[at_] != ':' && in_[at_] != ')') {
      const char flag = take();
      if (flag != 'i' && flag != 'm' && flag != '-') {
        refuse(str("the option ", quoted(character(flag))));
      }
      flags += flag == 'm' ? 's' : flag;
    }
    if (take() == ':') {
      groups_.push_back(out_.size());
      no_atom(str("(?", flags, ":"));
      at_start_ = true;
      return;
    }
    // Oniguruma lets it reach over the alternatives that follow, PCRE2 not.
    if (!at_start_) refuse("an option in the middle of a group");
    no_atom(str("(?", flags, ")"));
  }

  void close_group() {
    if (groups_.empty()) refuse("a ) without (");
    out_ += ')';
    atom_ = groups_.back();
    groups_.pop_back();
    quantified_ = false;
    at_start_ = false;
  }

  // ---- escapes outside of classes ----

  void escape() {
    at_start_ = false;
    const char c = take();
    switch (c) {
      case 's':
      case 'S':
        return set_atom(kSpaces, c == 'S');
      case 'w':
      case 'W':
        return set_atom(kWord, c == 'W');
      case 'h':
      case 'H':
        return set_atom(kHexDigits, c == 'H');
      case 'b':
      case 'B':
        return word_border(c == 'B');
      case 'R':
        return atom(R"((?>\r\n|[\n-\r\x{85}\x{2028}\x{2029}]))");
      case 'N':
        return atom(R"([^\n])");
      case 'A':
      case 'z':
      case 'Z':
        return no_atom(str("\\", c));
      default:
        break;
    }
    if (is_digit(c) && c != '0') {
      if (at_ < in_.size() && is_digit(in_[at_])) refuse("a reference of more than one digit");
      return atom(str("\\", c));
    }
    atom(common_escape(c));
  }

  void word_border(bool negated) {
    const std::string before = str("(?<=[", kWord, "])"), not_before = str("(?<![", kWord, "])");
    const std::string after = str("(?=[", kWord, "])"), not_after = str("(?![", kWord, "])");
    no_atom(str("(?:", before, negated ? after : not_after, "|", not_before,
                negated ? not_after : after, ")"));
  }

  // ---- what is the same inside and outside of classes ----

  std::string common_escape(char c) {
    switch (c) {
      case 'd':
      case 'D':
      case 't':
      case 'n':
      case 'r':
      case 'f':
      case 'a':
      case 'e':
        return str("\\", c);
      case 'v':
        return "\\x{0b}";
      case 'p':
      case 'P':
        return property(c == 'P');
      case 'x':
        return hexadecimal();
      case 'u':
        return code_unit();
      case '0':
        return octal();
      default:
        break;
    }
    if (is_alphanumeric(c)) refuse(str("the escape \\", c));
    if (static_cast<unsigned char>(c) >= 0x80) return character(c);
    return str("\\", c);
  }

  std::string property(bool negated) {
    if (!next_is("{")) refuse("a property without braces");
    ++at_;
    std::string_view name = take_until('}');
    if (name.starts_with('^')) {
      negated = !negated;
      name.remove_prefix(1);
    }
    return str(negated ? "\\P{" : "\\p{", pcre2_property(name), "}");
  }

  std::string code_point(std::string_view hex) {
    constexpr std::size_t kMost = 8;
    if (hex.empty() || hex.size() > kMost || !std::all_of(hex.begin(), hex.end(), is_hex)) {
      refuse("a malformed \\x or \\u");
    }
    return str("\\x{", hex, "}");
  }

  std::string hexadecimal() {
    if (next_is("{")) {
      ++at_;
      return code_point(take_until('}'));
    }
    const std::size_t begin = at_;
    while (at_ < in_.size() && at_ - begin < 2 && is_hex(in_[at_])) ++at_;
    const std::string_view hex = in_.substr(begin, at_ - begin);
    if (hex.size() == 2 && hex[0] > '7') refuse("a byte that is not a character");
    return code_point(hex);
  }

  std::string code_unit() {
    const std::string_view hex = in_.substr(at_, 4);
    if (hex.size() != 4) refuse("a malformed \\u");
    at_ += 4;
    return code_point(hex);
  }

  std::string octal() {
    std::string text = "\\0";
    while (at_ < in_.size() && text.size() < 4 && in_[at_] >= '0' && in_[at_] <= '7') {
      text += in_[at_++];
    }
    return str("\\o{", text.substr(1), "}");
  }

  // ---- classes ----

  // What was taken last: a range starts after a character and ends with one.
  enum class Member { kCharacter, kDash, kSet };

  void character_class() {
    at_start_ = false;
    std::string text = "[";
    if (next_is("^")) text += take();
    Member last = Member::kSet;  // a dash after nothing is itself
    for (bool first = true; first || !next_is("]"); first = false) {
      last = class_member(text, last, first);
    }
    ++at_;
    atom(text + "]");
  }

  Member class_member(std::string& text, Member last, bool first) {
    if (next_is("&&")) refuse("an intersection of classes");
    const char c = take();
    if (c == '[') {
      add_set(text, posix_class(), last);
      return Member::kSet;
    }
    if (c == '\\') return class_escape(text, last);
    if (c == '-' && !first && last == Member::kCharacter && !next_is("]")) {
      text += '-';
      return Member::kDash;
    }
    // Escaped, these are themselves in both; the rest are parts of characters.
    text += (c == '-' || c == ']' || c == '^') ? str("\\", c) : std::string(1, c);
    // What ends a range cannot start another one.
    return last == Member::kDash ? Member::kSet : Member::kCharacter;
  }

  void add_set(std::string& text, std::string_view members, Member last) const {
    if (last == Member::kDash) refuse("a range that ends with a set");
    text += members;
  }

  Member class_escape(std::string& text, Member last) {
    const char c = take();
    std::string_view set;
    if (c == 's') set = kSpaces;
    if (c == 'S') set = kNoSpaces;
    if (c == 'w') set = kWordInClass;
    if (c == 'h') set = kHexDigits;
    if (c == 'd' || c == 'D' || c == 'p' || c == 'P') {
      add_set(text, common_escape(c), last);
      return Member::kSet;
    }
    if (!set.empty()) {
      add_set(text, set, last);
      return Member::kSet;
    }
    if (is_digit(c) && c != '0') refuse("a number in a class");
    text += c == 'b' ? "\\x{08}" : common_escape(c);
    return last == Member::kDash ? Member::kSet : Member::kCharacter;
  }

  // After "[": the members of [:name:].
  std::string_view posix_class() {
    if (!next_is(":")) refuse("a class in a class");
    ++at_;
    const std::string_view name = take_until(':');
    if (take() != ']') refuse("a class in a class");
    if (name == "space") return kSpaces;
    if (name == "word") return kWordInClass;
    if (name == "xdigit") return kHexDigits;
    if (name == "alpha") return R"(\p{Alphabetic})";
    if (name == "alnum") return R"(\p{Alphabetic}\p{Nd})";
    if (name == "digit") return R"(\p{Nd})";
    if (name == "upper") return R"(\p{Uppercase})";
    if (name == "lower") return R"(\p{Lowercase})";
    if (name == "punct") return R"(\p{P}\p{S})";
    refuse(str("the class ", quoted(name)));
  }

  std::string_view in_, where_;
  std::size_t at_ = 0;
  std::string out_;
  std::vector<std::size_t> groups_;  // where the open ones start in out_
  std::size_t atom_ = kNone;         // where the last atom starts in out_
  bool quantified_ = false;          // and whether it has its quantifier
  bool at_start_ = true;             // nothing yet in this group or alternative
};

}  // namespace

std::string pcre2_from_oniguruma(std::string_view expression, std::string_view where) {
  constexpr std::size_t kLongest = 16384;
  if (expression.size() > kLongest) {
    fail_wanted(ErrorKind::kModel, where, str("a pattern of at most ", kLongest, " bytes"),
                str(expression.size()));
  }
  return Translator(expression, where).run();
}

}  // namespace xlstm::text
