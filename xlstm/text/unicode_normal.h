// Unicode's normalisation forms, as the reference computes them (by Unicode 9's data).
#pragma once

#include <string>

#include "xlstm/text/pulse.h"

namespace xlstm::text {

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };

// Brings well-formed UTF-8 `text` into `form`. Text that plainly is in it already (for NFC:
// Latin-1, CJK, plain Cyrillic, ...) is only read.
void normalize(std::string& text, NormalForm form, Pulse& pulse);
void normalize(std::string& text, NormalForm form);  // telling nobody

}  // namespace xlstm::text
