#include "xlstm/grammar/json_grammar.h"

#include "xlstm/grammar/regex_parser.h"

namespace xlstm::grammar {
namespace {

enum RuleIndex : std::size_t { kObject, kArray };

Expression gap() {
  return parse_regex(R"((?: |\r?\n(?: {0,32}|\t{0,16}))?)");
}

// \uXXXX is a character, or two of them a pair of surrogates.
Expression string() {
  const Expression plain = parse_regex(R"([^"\\\x00-\x1F])");
  const Expression escape = parse_regex(R"(\\["\\/bfnrt])");
  const Expression character =
      parse_regex(R"(\\u(?:[0-9A-Ca-cEFef][0-9A-Fa-f]{3}|[Dd][0-7][0-9A-Fa-f]{2}))");
  const Expression pair =
      parse_regex(R"(\\u[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2})");
  const Expression inside = choice({plain, escape, character, pair});
  return sequence({literal("\""), repeat(inside, 0, kUnbounded), literal("\"")});
}

Expression number() {
  return parse_regex(
      R"(-?(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,20})?(?:[Ee][+-]?(?:[0-9]{1,2}|1[0-9]{2}))?)");
}

Expression value() {
  return choice({string(), number(), parse_regex("true|false|null"), call(kObject), call(kArray)});
}

// "gap item (gap , gap item)* gap" or a gap, and the closing byte.
Expression list_of(const Expression& item, const char* closing) {
  const Expression more = sequence({gap(), literal(","), gap(), item});
  const Expression items = sequence({item, repeat(more, 0, kUnbounded), gap()});
  return sequence({gap(), repeat(items, 0, 1), literal(closing)});
}

}  // namespace

Grammar json_grammar(bool object_only) {
  const Expression member = sequence({string(), gap(), literal(":"), gap(), value()});
  return {sequence({gap(), object_only ? call(kObject) : value()}),
          {{'{', list_of(member, "}")}, {'[', list_of(value(), "]")}}};
}

}  // namespace xlstm::grammar
