// Texts -> tokens while somebody waits.
#pragma once

#include <string_view>
#include <vector>

#include "xlstm/text/tokenizer.h"

namespace xlstm::apps {

// Tokenizer::encode with a progress bar on a long text. Throws Interrupted after Ctrl-C.
std::vector<TokenId> encode_with_progress(const Tokenizer& tokenizer, std::string_view text,
                                          EncodeOptions options);

}  // namespace xlstm::apps
