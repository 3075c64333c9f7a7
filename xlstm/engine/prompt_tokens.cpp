#include "xlstm/engine/prompt_tokens.h"

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

constexpr double kShareOfReading = 0.01;

struct Cancelled {};

}  // namespace

std::optional<PromptTokens> prompt_tokens(const Tokenizer& tokenizer,
                                          const std::optional<TokenId>& bos,
                                          const Request& request) {
  PromptTokens prompt;
  const auto on_progress = [&](double share) {
    prompt.reported = share * kShareOfReading;
    if (request.on_prompt_progress) request.on_prompt_progress(prompt.reported);
    if (request.cancelled && request.cancelled()) throw Cancelled();
  };
  try {
    prompt.ids = tokenizer.encode(request.prompt, {.parse_special_tokens = request.parse_special,
                                                   .on_progress = on_progress});
  } catch (const Cancelled&) {
    return std::nullopt;
  }
  if (bos && (prompt.ids.empty() || prompt.ids.front() != *bos)) {
    prompt.ids.insert(prompt.ids.begin(), *bos);
    prompt.leading = 1;
  }
  return prompt;
}

std::optional<PromptTokens> given_tokens(const Request& request) {
  if (!request.prompt.empty()) {
    fail_wanted(ErrorKind::kUsage, "prompt", "a text or token ids", "both");
  }
  PromptTokens prompt;
  prompt.ids = *request.prompt_ids;
  return prompt;
}

}  // namespace xlstm
