#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/engine/engine_impl.h"
#include "xlstm/engine/limits.h"
#include "xlstm/generate/generator.h"
#include "xlstm/model/state_file.h"

namespace xlstm {
namespace {

GenerateOptions options_of(const Request& request, const std::vector<TokenId>& end_ids) {
  GenerateOptions options;
  options.max_tokens = request.max_tokens;
  options.stop = request.stop;
  options.cancelled = request.cancelled;
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

Completion completion_of(Generated&& generated, double load_seconds) {
  Completion completion;
  completion.text = std::move(generated.text);
  completion.tokens = std::move(generated.tokens);
  completion.stop_reason = name_of(generated.reason);
  completion.seed = generated.seed;
  completion.statistics = generated.statistics;
  completion.statistics.load_seconds = load_seconds;
  return completion;
}

}  // namespace

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(const Session& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
Session& Session::operator=(const Session& other) {
  if (this != &other) impl_ = std::make_unique<Impl>(*other.impl_);
  return *this;
}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Completion Session::complete(const Request& request, const OnCompletionText& on_text) {
  const Engine::Impl& engine = *impl_->engine;
  const bool with_bos = request.add_bos && position() == 0;
  const std::vector<TokenId> ids =
      encode(engine.tokenizer, with_bos ? engine.bos_id : std::nullopt, request.prompt);
  if (ids.empty()) {
    fail_wanted(ErrorKind::kUsage, "prompt",
                "a text (it may be empty only at the start of a sequence that begins with BOS)",
                "an empty one");
  }
  const GenerateOptions options = options_of(request, engine.end_ids);
  Completion completion =
      completion_of(generate(engine.model, engine.tokenizer, impl_->state, ids, options, on_text),
                    engine.load_seconds);
  respect_soft_limit(engine.options);
  return completion;
}

void Session::read(std::string_view text, bool add_bos) {
  if (text.empty() && (position() > 0 || !add_bos || !impl_->engine->bos_id)) return;
  complete({.prompt = std::string(text), .max_tokens = 0, .add_bos = add_bos});
}

std::uint64_t Session::position() const {
  return impl_->state.positions.front();
}
std::uint64_t Session::bytes() const {
  return impl_->state.bytes();
}
void Session::reset() {
  impl_->state = impl_->engine->model.initial_state();
}

void Session::save(const std::filesystem::path& file) const {
  save_state(file, impl_->state, impl_->engine->model);
}

void Session::load(const std::filesystem::path& file) {
  ModelState state = load_state(file, impl_->engine->model);
  if (state.batch() != 1) {
    fail_wanted(ErrorKind::kUsage, file.string(), "the state of one sequence",
                str(state.batch(), " sequences"));
  }
  impl_->state = std::move(state);
}

}  // namespace xlstm
