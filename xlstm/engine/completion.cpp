// A request -> options and tokens -> generate() -> a completion.
#include <algorithm>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/engine/engine_impl.h"
#include "xlstm/engine/limits.h"
#include "xlstm/engine/prompt_tokens.h"
#include "xlstm/generate/generator.h"

namespace xlstm {
namespace {

GenerateOptions options_of(const Request& request, const PromptTokens& prompt,
                           const std::vector<TokenId>& end_ids) {
  GenerateOptions options;
  options.max_tokens = request.max_tokens;
  options.stop = request.stop;
  options.cancelled = request.cancelled;
  if (request.on_prompt_progress) {
    options.on_prompt_progress = [&request, reported = prompt.reported](double share) {
      request.on_prompt_progress(std::max(share, reported));
    };
  }
  options.uncounted = prompt.leading;
  options.end_tokens = request.end_tokens;
  if (request.stop_at_end_token) {
    options.end_tokens.insert(options.end_tokens.end(), end_ids.begin(), end_ids.end());
  }
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

void check_end_tokens(const Request& request, std::int64_t V) {
  for (const TokenId id : request.end_tokens) {
    if (id < 0 || id >= V) {
      fail_wanted(ErrorKind::kUsage, "end_tokens", str("token ids in [0, ", V, ")"), str(id));
    }
  }
}

// Cancelled before anything was read.
Completion nothing_read(const Request& request, double load_seconds) {
  Completion completion;
  completion.stop_reason = name_of(StopReason::kCancelled);
  completion.seed = request.seed.value_or(0);
  completion.statistics.load_seconds = load_seconds;
  return completion;
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

const Tokenizer& Engine::Impl::text_tokenizer() const {
  if (tokenizer) return *tokenizer;
  fail_wanted(ErrorKind::kModel, model.plan().name,
              "a tokenizer.json beside the weights, to read and write text", "none");
}

State Engine::Impl::start() const {
  State state = model.initial_state();
  evaluate(model.backend(), state);
  return state;
}

Completion Engine::Impl::complete(State& state, const Request& request,
                                  const OnCompletionText& on_text, bool keeps_state) const {
  const bool with_bos = request.add_bos && state.position == 0;
  check_end_tokens(request, model.plan().V);
  const auto prompt = prompt_tokens(text_tokenizer(), with_bos ? bos_id : std::nullopt, request);
  if (!prompt) return nothing_read(request, load_seconds);
  if (prompt->ids.empty() && !state.next_logits) {
    if (state.position > 0) {
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
  GenerateOptions generate_options = options_of(request, *prompt, end_ids);
  generate_options.read_last = keeps_state;
  Generated generated =
      generate(model, text_tokenizer(), state, prompt->ids, generate_options, on_text);
  respect_soft_limit(options, model.backend());
  return completion_of(std::move(generated), prompt->ids.size(), load_seconds);
}

}  // namespace xlstm
