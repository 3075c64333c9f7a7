// JSON (RFC 8259) as a grammar of answers.
#pragma once

#include <string_view>
#include <vector>

#include "xlstm/grammar/expression.h"

namespace xlstm::grammar {

// Narrower than the RFC where an answer could go on for ever or not be read:
// - Behind an opening bracket or a comma and before a closing bracket stands nothing, one space, or
//   a line end and up to 32 spaces or 16 tabs; behind a colon nothing or one space; before the
//   value nothing, a space or a line end. Nowhere else is there space, so that a model cannot fill
//   its answer with it.
// - \u escapes of surrogates come in pairs.
// - A number has up to 20 digits before the point, 20 behind it and an exponent below 200: a finite
//   double.
// Names given twice in an object are not prevented.
Grammar json_grammar(bool object_only);

// One value; what it calls are the rules of JSON's objects and arrays.
Grammar json_grammar_of(Expression value);

// The parts.
Expression json_gap();
Expression json_string();
Expression json_number();
Expression json_integer();
Expression json_object();  // any
Expression json_array();   // any
Expression json_value();   // any
Expression json_member(Expression name, Expression value);
Expression json_after_comma(Expression item);  // a comma, a gap and it
// Behind the opening byte: `items`, gaps around them, `closing`.
Expression json_rest_of_list(Expression items, std::string_view closing);

}  // namespace xlstm::grammar
