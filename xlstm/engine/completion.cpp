// A request -> options and tokens -> a sequence -> a completion.
#include <algorithm>
#include <exception>
#include <utility>

#include "xlstm/backend/sampling.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine_impl.h"
#include "xlstm/engine/limits.h"
#include "xlstm/engine/prompt_tokens.h"
#include "xlstm/generate/batch.h"
#include "xlstm/group/group.h"

namespace xlstm {
namespace {

GenerateOptions options_of(const Request& request, const PromptTokens& prompt,
                           const std::vector<TokenId>& end_ids) {
  GenerateOptions options;
  options.max_tokens = request.max_tokens;
  options.stop = request.stop;
  options.cancelled = request.cancelled;
  if (request.on_prompt_progress) {
    options.on_prompt_progress = [tell = request.on_prompt_progress, reported = prompt.reported](
                                     double share) { tell(std::max(share, reported)); };
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
  options.top_log_probabilities = request.top_log_probabilities;
  options.process_logits = request.process_logits;
  options.constraint = request.constraint;
  return options;
}

// The two ways to hear of an answer as one.
OnToken on_token_of(const Request& request, const OnCompletionText& on_text) {
  if (!on_text) return request.on_token;
  return [on_token = request.on_token, on_text](const TokenEvent& event) {
    const bool more = !on_token || on_token(event);
    return (event.text.empty() || on_text(event.text)) && more;
  };
}

void check_prompt(const PromptTokens& prompt, const State& state) {
  if (!prompt.ids.empty() || state.next_logits) return;
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

// Cancelled before anything was read.
Completion nothing_read(const Request& request, double load_seconds) {
  Completion completion;
  completion.stop_reason = StopReason::kCancelled;
  completion.seed = request.seed.value_or(0);
  completion.statistics.load_seconds = load_seconds;
  return completion;
}

}  // namespace

const Tokenizer& Engine::Impl::text_tokenizer() const {
  if (tokenizer) return *tokenizer;
  fail_wanted(ErrorKind::kModel, model.plan().name,
              "a tokenizer.json beside the weights, to read and write text", "none");
}

State Engine::Impl::start() const {
  const auto turn = model.backend().exclusive();
  State state = model.initial_state();
  evaluate(model.backend(), state);
  return state;
}

std::optional<Sequence> Engine::Impl::sequence(const State& state, const Request& request,
                                               const OnCompletionText& on_text,
                                               bool keeps_state) const {
  const bool with_bos = request.add_bos && state.position == 0;
  check_ids("end_tokens", request.end_tokens, model.plan().V);
  Group* const group = model.backend().group();
  Request of_prompt = request;
  if (group != nullptr && !group->leads()) of_prompt.cancelled = {};  // rank 0 says
  auto prompt = request.prompt_ids
                    ? given_tokens(request)
                    : prompt_tokens(text_tokenizer(), with_bos ? bos_id : std::nullopt, of_prompt);
  if (request.cancelled && !agreed(group, prompt.has_value())) return std::nullopt;
  check_prompt(*prompt, state);
  GenerateOptions generate_options = options_of(request, *prompt, end_ids);
  generate_options.read_last = keeps_state && request.read_last;
  return Sequence(model, tokenizer ? &*tokenizer : nullptr, state, std::move(prompt->ids),
                  std::move(generate_options), on_token_of(request, on_text));
}

Completion Engine::Impl::complete(State& state, const Request& request,
                                  const OnCompletionText& on_text, bool keeps_state) const {
  std::optional<Sequence> sequence = this->sequence(state, request, on_text, keeps_state);
  if (!sequence) return nothing_read(request, load_seconds);
  Batch batch(model);
  batch.add(std::move(*sequence));
  Completion completion;
  batch.run([&](Batch::Finished finished) {
    if (finished.error) std::rethrow_exception(finished.error);
    completion = finished.sequence->result();
    state = finished.sequence->state();
  });
  const auto turn = model.backend().exclusive();
  respect_soft_limit(options, model.backend());
  completion.statistics.load_seconds = load_seconds;
  return completion;
}

}  // namespace xlstm
