// A request -> options and tokens -> generate() -> a completion.
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/engine/engine_impl.h"
#include "xlstm/engine/limits.h"
#include "xlstm/generate/generator.h"

namespace xlstm {
namespace {

GenerateOptions options_of(const Request& request, const std::vector<TokenId>& end_ids) {
  GenerateOptions options;
  options.max_tokens = request.max_tokens;
  options.stop = request.stop;
  options.cancelled = request.cancelled;
  options.on_prompt_progress = request.on_prompt_progress;
  if (request.stop_at_end_token) options.end_tokens = end_ids;
  options.sampling = {.logit_bias = request.logit_bias,
                      .repetition_penalty = request.repetition_penalty,
                      .presence_penalty = request.presence_penalty,
                      .frequency_penalty = request.frequency_penalty,
                      .temperature = request.temperature,
                      .top_k = request.top_k,
                      .top_p = request.top_p,
                      .min_p = request.min_p,
                      .seed = request.seed};
  return options;
}

// The prompt's tokens, BOS first where a sequence starts and the text does not say so itself.
std::vector<TokenId> encode(const Tokenizer& tokenizer, const std::optional<TokenId>& bos,
                            std::string_view text) {
  std::vector<TokenId> ids = tokenizer.encode(text);
  if (bos && (ids.empty() || ids.front() != *bos)) ids.insert(ids.begin(), *bos);
  return ids;
}

Completion completion_of(Generated&& generated, std::size_t prompt_tokens, double load_seconds) {
  Completion completion;
  completion.text = std::move(generated.text);
  completion.tokens = std::move(generated.tokens);
  completion.stop_reason = name_of(generated.reason);
  completion.seed = generated.seed;
  completion.statistics = generated.statistics;
  completion.statistics.load_seconds = load_seconds;
  completion.prompt_tokens = prompt_tokens;
  return completion;
}

}  // namespace

ModelState Engine::Impl::start() const {
  ModelState state = model.initial_state();
  state.eval();
  return state;
}

Completion Engine::Impl::complete(ModelState& state, const Request& request,
                                  const OnCompletionText& on_text) const {
  const bool with_bos = request.add_bos && state.positions.front() == 0;
  const std::vector<TokenId> ids =
      encode(tokenizer, with_bos ? bos_id : std::nullopt, request.prompt);
  if (ids.empty() && !state.next_logits) {
    if (state.positions.front() > 0) {
      fail_wanted(ErrorKind::kUsage, "prompt",
                  "a text: the file that this state is from, of version 0.1.0, does not hold what "
                  "an answer without new text goes on from",
                  "an empty one");
    }
    fail_wanted(ErrorKind::kUsage, "prompt",
                "a text (it may be empty only after something was read, or at the start of a "
                "sequence that begins with BOS)",
                "an empty one");
  }
  Generated generated =
      generate(model, tokenizer, state, ids, options_of(request, end_ids), on_text);
  respect_soft_limit(options);
  return completion_of(std::move(generated), ids.size(), load_seconds);
}

}  // namespace xlstm
