// Sets of texts as trees: what the parser of regular expressions makes, and grammars are put
// together of.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace xlstm::grammar {

// Code points from `first` to `last`, both included.
struct CharacterRange {
  char32_t first;
  char32_t last;
  bool operator==(const CharacterRange&) const = default;
};

// Rising, apart from each other, and without surrogates, which UTF-8 cannot write.
using CharacterSet = std::vector<CharacterRange>;
CharacterSet character_set(std::vector<CharacterRange> ranges);
CharacterSet all_but(const CharacterSet& set);

inline constexpr std::uint32_t kUnbounded = ~std::uint32_t{0};

// Every expression matches some text: a set of characters is never empty. So an automaton made of
// one has no state from which its end cannot be reached.
struct Expression {
  enum class Kind {
    kSequence,    // the parts one after the other; without parts, the empty text
    kChoice,      // one of the parts, of which there is at least one
    kRepeat,      // the only part, `least` to `most` times
    kCharacters,  // one character of a set
    kCall,        // a rule of the grammar, from its opening byte to its end
  };

  Kind kind = Kind::kSequence;
  std::vector<Expression> parts = {};
  CharacterSet characters = {};
  std::uint32_t least = 0, most = 0;
  std::size_t rule = 0;
};

Expression sequence(std::vector<Expression> parts);
Expression choice(std::vector<Expression> parts);
Expression repeat(Expression part, std::uint32_t least, std::uint32_t most);
Expression characters(CharacterSet set);
Expression call(std::size_t rule);
Expression literal(std::string_view text);  // UTF-8

// What may be nested in itself. A rule begins with a byte of its own, by which the automaton knows
// that it begins, and nothing may follow where it can end.
struct Rule {
  char opening;
  Expression rest;  // all behind the opening byte, to the byte that ends it
};

struct Grammar {
  Expression root;
  std::vector<Rule> rules = {};  // none: a regular expression
};

}  // namespace xlstm::grammar
