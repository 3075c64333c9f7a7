#include "xlstm/grammar/json_grammar.h"

#include <utility>

#include "xlstm/grammar/regex_parser.h"

namespace xlstm::grammar {
namespace {

enum RuleIndex : std::size_t { kObject, kArray };

// Any number of the same.
Expression list_of(const Expression& item, std::string_view closing) {
  const Expression items = sequence({item, repeat(json_after_comma(item), 0, kUnbounded)});
  return json_rest_of_list(repeat(items, 0, 1), closing);
}

}  // namespace

Expression json_gap() {
  return parse_regex(R"((?: |\r?\n(?: {0,32}|\t{0,16}))?)");
}

// \uXXXX is a character, or two of them a pair of surrogates.
Expression json_string() {
  const Expression plain = parse_regex(R"([^"\\\x00-\x1F])");
  const Expression escape = parse_regex(R"(\\["\\/bfnrt])");
  const Expression character =
      parse_regex(R"(\\u(?:[0-9A-Ca-cEFef][0-9A-Fa-f]{3}|[Dd][0-7][0-9A-Fa-f]{2}))");
  const Expression pair =
      parse_regex(R"(\\u[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2})");
  const Expression inside = choice({plain, escape, character, pair});
  return sequence({literal("\""), repeat(inside, 0, kUnbounded), literal("\"")});
}

Expression json_integer() {
  return parse_regex(R"(-?(?:0|[1-9][0-9]{0,19}))");
}

Expression json_number() {
  return sequence({json_integer(), parse_regex(R"((?:\.[0-9]{1,20})?)"),
                   parse_regex(R"((?:[Ee][+-]?(?:[0-9]{1,2}|1[0-9]{2}))?)")});
}

Expression json_object() {
  return call(kObject);
}

Expression json_array() {
  return call(kArray);
}

Expression json_value() {
  return choice(
      {json_string(), json_number(), parse_regex("true|false|null"), json_object(), json_array()});
}

Expression json_member(Expression name, Expression value) {
  return sequence({std::move(name), parse_regex(": ?"), std::move(value)});
}

Expression json_after_comma(Expression item) {
  return sequence({literal(","), json_gap(), std::move(item)});
}

Expression json_rest_of_list(Expression items, std::string_view closing) {
  // Two gaps without items between them are one.
  const bool may_be_empty = items.kind == Expression::Kind::kRepeat && items.least == 0;
  Expression filled = sequence({json_gap(), std::move(items), json_gap(), literal(closing)});
  if (!may_be_empty) return filled;
  filled.parts[1].least = 1;
  return choice({std::move(filled), sequence({json_gap(), literal(closing)})});
}

Grammar json_grammar_of(Expression value) {
  return {sequence({parse_regex("[ \n]?"), std::move(value)}),
          {{'{', list_of(json_member(json_string(), json_value()), "}")},
           {'[', list_of(json_value(), "]")}}};
}

Grammar json_grammar(bool object_only) {
  return json_grammar_of(object_only ? json_object() : json_value());
}

}  // namespace xlstm::grammar
