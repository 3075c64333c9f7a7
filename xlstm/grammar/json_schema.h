// A part of JSON Schema (draft 2020-12) as a grammar of answers.
#pragma once

#include <string_view>

#include "xlstm/grammar/expression.h"

namespace xlstm::grammar {

// `schema` is JSON: true or {} for any value, or an object of
//   type                     a name or a list of names
//   properties, required     of objects: these and no others, in this order
//   items, minItems, maxItems  of arrays
//   enum, const              written as short as can be
// and of title, description, default, examples, deprecated, $schema, $id and $comment, which
// restrict nothing; "additionalProperties" may be false, as it is anyway where there are
// properties.
//
// Throws Error: kFormat where `schema` is not JSON; kUsage, saying where in it, for other keywords,
// which would otherwise be broken without a word, and for what nothing can match. It is no larger
// than other grammars: where no property is required, each may be the first, and a dozen of them
// are many.
Grammar schema_grammar(std::string_view schema);

}  // namespace xlstm::grammar
