// JSON (RFC 8259) as a grammar of answers.
#pragma once

#include "xlstm/grammar/expression.h"

namespace xlstm::grammar {

// Narrower than the RFC where an answer could go on for ever or not be read:
// - Between its parts stands nothing, one space, or a line end and up to 32 spaces or 16 tabs;
// before
//   the value too, behind it nothing.
// - \u escapes of surrogates come in pairs.
// - A number has up to 20 digits before the point, 20 behind it and an exponent below 200: a finite
//   double.
// Names given twice in an object are not prevented.
Grammar json_grammar(bool object_only);

}  // namespace xlstm::grammar
