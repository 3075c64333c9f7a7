// The kinds of pre-tokenizers.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "xlstm/base/json_fwd.h"
#include "xlstm/text/pre_tokenizer.h"

namespace xlstm::text {

// Appends the steps of a component that is no Sequence. `leave_bytes`: a ByteLevel cuts only and
// does not spell bytes as characters.
void add_pre_tokenizer_steps(const Json& component, std::string_view where, bool leave_bytes,
                             std::vector<std::unique_ptr<const PreTokenizerStep>>& steps);

}  // namespace xlstm::text
