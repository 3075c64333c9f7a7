// Unicode's normalisation forms, as the reference computes them (by Unicode 9's data).
#pragma once

#include <string>

#include "xlstm/text/progress.h"

namespace xlstm::text {

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };

// Brings well-formed UTF-8 `text` into `form`. Text that plainly is in it already (for NFC:
// Latin-1, CJK, plain Cyrillic, ...) is only read.
void normalize(std::string& text, NormalForm form, Progress& progress);
void normalize(std::string& text, NormalForm form);  // without reports

}  // namespace xlstm::text
