#include "xlstm/generate/generator.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/generate/stop.h"

namespace xlstm {
namespace {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Tokens in, certain text out.
class TextStream {
 public:
  TextStream(const Tokenizer& tokenizer, const GenerateOptions& options, const OnText& on_text)
      : tokenizer_(tokenizer),
        detokenizer_(tokenizer),
        scanner_(options.stop, tokenizer),
        on_text_(on_text) {}

  // Returns why to stop, if so.
  std::optional<StopReason> push(TokenId id) {
    if (scanner_.names_hidden() && tokenizer_.is_hidden(id)) return push_hidden(id);
    return show(scanner_.push(detokenizer_.push(id)));
  }

  // An end token, which is not shown: what it completes to a stop string is not shown either.
  // Returns false where nobody wants more text.
  bool push_end(TokenId id) {
    const bool is_named = scanner_.names_hidden() && tokenizer_.is_hidden(id);
    return !is_named || push_hidden(id) != StopReason::kCancelled;
  }

  // Shows what was held back. Returns whether its last character completed a stop string.
  bool finish() {
    if (scanner_.stopped()) return false;
    std::string rest = scanner_.push(detokenizer_.finish());
    rest += scanner_.finish();
    return show(rest) == StopReason::kStopString;
  }

  const std::string& text() const { return text_; }

 private:
  std::optional<StopReason> show(const std::string& piece) {
    text_ += piece;
    const bool more = piece.empty() || !on_text_ || on_text_(piece);
    if (scanner_.stopped()) return StopReason::kStopString;
    return more ? std::nullopt : std::optional(StopReason::kCancelled);
  }

  // A stop that ends here may begin in a character that the detokenizer has not let go of yet.
  std::optional<StopReason> push_hidden(TokenId id) {
    StopScanner ahead = scanner_;
    std::string before = ahead.push(Detokenizer(detokenizer_).finish());
    before += ahead.push_hidden(id);
    if (!ahead.stopped()) return show(scanner_.push_hidden(id));
    scanner_ = std::move(ahead);
    return show(before);
  }

  const Tokenizer& tokenizer_;
  Detokenizer detokenizer_;
  StopScanner scanner_;
  const OnText& on_text_;
  std::string text_;
};

void check_ids(const std::vector<TokenId>& prompt, const State& state, std::int64_t V) {
  if (prompt.empty() && !state.next_logits) {
    fail_wanted(ErrorKind::kUsage, "prompt", "at least one token, or a state that has read some",
                "none");
  }
  for (const TokenId id : prompt) {
    if (id < 0 || id >= V) {
      fail_wanted(ErrorKind::kUsage, "prompt", str("token ids in [0, ", V, ")"), str(id));
    }
  }
}

void check_call(const GenerateOptions& options) {
  if (options.max_tokens < 0) {
    fail_wanted(ErrorKind::kUsage, "max_tokens", "0 or more", str(options.max_tokens));
  }
}

std::vector<TokenId> ids_without_token(const Tokenizer& tokenizer, std::int64_t V) {
  std::vector<TokenId> ids;
  for (TokenId id = 0; id < V; ++id) {
    if (!tokenizer.has_token(id)) ids.push_back(id);
  }
  return ids;
}

// Waits, on leaving, for steps that are still queued (the one behind an end token, say, or when an
// exception passes): they must not run on while the process ends.
class SynchronizeAtEnd {
 public:
  explicit SynchronizeAtEnd(Backend& backend) : backend_(backend) {}
  ~SynchronizeAtEnd() { backend_.synchronize(); }
  SynchronizeAtEnd(const SynchronizeAtEnd&) = delete;
  SynchronizeAtEnd& operator=(const SynchronizeAtEnd&) = delete;

 private:
  Backend& backend_;
};

// A token that has been chosen, or is being computed.
struct PendingToken {
  Tensor id;               // [1] int32
  Tensor sum;              // [1] of the model's logits: a number if all of them are
  std::uint64_t position;  // tokens read before it
};

// One call of generate(): what its steps share.
class GenerationLoop {
 public:
  GenerationLoop(const Model& model, const Tokenizer& tokenizer, const GenerateOptions& options,
                 const OnText& on_text)
      : model_(model),
        backend_(model.backend()),
        options_(options),
        V_(model.plan().V),
        text_(tokenizer, options, on_text) {
    result_.seed = options.sampling.seed ? *options.sampling.seed : random_seed();
    sampler_ =
        backend_.sampler(options.sampling, result_.seed, V_, ids_without_token(tokenizer, V_));
  }

  // `state` is changed at the end alone: until then the batch has a fork of it.
  Generated generate(State& state, std::span<const TokenId> prompt) {
    sampler_->see(prompt.subspan(std::min(options_.uncounted, prompt.size())));
    states_ = model_.states_of(state);
    logits_ = prompt.empty() ? state.next_logits : read(prompt);
    if (result_.reason != StopReason::kCancelled && options_.max_tokens > 0) decode();
    State next = states_->remove(0);
    next.next_logits = backend_.reshape(logits_, {V_});
    Generated generated = finished();
    state = std::move(next);
    return generated;
  }

 private:
  // The whole prompt, or its first segments if it is cancelled in between. Returns logits [1, V].
  Tensor read(std::span<const TokenId> prompt) {
    const std::uint64_t before = position();
    Tensor logits = model_.prefill(prompt, *states_, [&](std::int64_t done) {
      if (options_.on_prompt_progress) {
        options_.on_prompt_progress(static_cast<double>(done) / static_cast<double>(prompt.size()));
      }
      if (options_.cancelled && options_.cancelled()) result_.reason = StopReason::kCancelled;
      return result_.reason != StopReason::kCancelled;
    });
    const Tensor sum = backend_.row_sums(logits);
    backend_.evaluate(std::array{logits, sum});
    states_->evaluate();
    check_finite(sum, position());
    result_.statistics.prompt_tokens = static_cast<std::int64_t>(position() - before);
    result_.statistics.prefill_seconds = watch_.seconds();
    return logits;
  }

  std::uint64_t position() const { return states_->positions().front(); }

  void check_finite(const Tensor& sum, std::uint64_t position) const {
    const float value = backend_.read_floats(sum).front();
    if (std::isfinite(value)) return;
    fail_wanted(ErrorKind::kModel, model_.plan().name,
                str("finite logits after ", position, " tokens"),
                str("a sum of ", value, ": weights are not finite or too large for their type"));
  }

  // Chooses the token after those that were read.
  PendingToken choose() {
    const Tensor logits = backend_.reshape(logits_, {1, V_});
    PendingToken token = {backend_.sample(*sampler_, logits), backend_.row_sums(logits),
                          position()};
    backend_.evaluate_async(std::array{token.id, token.sum});
    return token;
  }

  // Waits for it.
  TokenId id_of(const PendingToken& token) const {
    const TokenId id = backend_.read_ids(token.id).front();
    check_finite(token.sum, token.position);
    return id;
  }

  // On return every chosen token was read. Where the backend is lazy, the step that reads a token
  // is queued before the token is looked at, so that the device never waits for the host; where ops
  // run when they are called there is nothing to gain from a queue.
  void decode() {
    const auto stop = backend_.is_lazy() ? decode_pipelined() : decode_eager();
    if (stop) result_.reason = *stop;
    if (result_.reason != StopReason::kStopString && !told_to_stop_) {
      if (text_.finish()) result_.reason = StopReason::kStopString;
    }
  }

  // Both return why they stopped, if it is not that there are enough tokens. In the pipeline, the
  // step behind the last token is only queued: whoever uses the state waits for it.
  std::optional<StopReason> decode_pipelined() {
    PendingToken token = choose();
    for (std::int64_t left = options_.max_tokens; left > 0; --left) {
      step(token);
      PendingToken next = left > 1 ? choose() : token;
      if (const auto reason = take(id_of(token))) return reason;
      token = std::move(next);
    }
    return std::nullopt;
  }

  std::optional<StopReason> decode_eager() {
    for (std::int64_t left = options_.max_tokens; left > 0; --left) {
      const PendingToken token = choose();
      const auto reason = take(id_of(token));
      if (options_.read_last || (!reason && left > 1)) step(token);
      if (reason) return reason;
    }
    return std::nullopt;
  }

  void step(const PendingToken& token) {
    logits_ = model_.forward(backend_.reshape(token.id, {1, 1}), *states_);
  }

  // Returns why to stop, if so.
  std::optional<StopReason> take(TokenId id) {
    Statistics& s = result_.statistics;
    if (result_.tokens.empty()) s.first_token_seconds = watch_.seconds();
    s.decode_seconds = watch_.seconds() - s.first_token_seconds;
    result_.tokens.push_back(id);
    const auto& ends = options_.end_tokens;
    if (std::find(ends.begin(), ends.end(), id) != ends.end()) {
      told_to_stop_ = !text_.push_end(id);
      return StopReason::kEndToken;
    }
    if (const auto reason = text_.push(id)) {
      told_to_stop_ = *reason == StopReason::kCancelled;
      return reason;
    }
    if (options_.cancelled && options_.cancelled()) return StopReason::kCancelled;
    return std::nullopt;
  }

  Generated finished() {
    Statistics& s = result_.statistics;
    s.generated_tokens = static_cast<std::int64_t>(result_.tokens.size());
    s.peak_bytes = std::max<std::uint64_t>(backend_.memory().peak, peak_resident_bytes());
    s.bytes_per_token = model_.bytes_per_token();
    result_.text = text_.text();
    return std::move(result_);
  }

  const Model& model_;
  Backend& backend_;
  const GenerateOptions& options_;
  std::int64_t V_;
  Stopwatch watch_;
  std::unique_ptr<Sampler> sampler_;
  TextStream text_;
  std::unique_ptr<StateBatch> states_;  // of the one sequence
  Tensor logits_;                       // [1, V] or [V]: after the tokens that were read
  bool told_to_stop_ = false;           // by on_text, which is not called again
  Generated result_;
};

}  // namespace

std::string_view name_of(StopReason reason) {
  switch (reason) {
    case StopReason::kMaxTokens:
      return "max_tokens";
    case StopReason::kEndToken:
      return "end_token";
    case StopReason::kStopString:
      return "stop_string";
    case StopReason::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

Generated generate(const Model& model, const Tokenizer& tokenizer, State& state,
                   const std::vector<TokenId>& prompt, const GenerateOptions& options,
                   const OnText& on_text) {
  check_ids(prompt, state, model.plan().V);
  check_call(options);
  const SynchronizeAtEnd synchronized(model.backend());
  return GenerationLoop(model, tokenizer, options, on_text).generate(state, prompt);
}

}  // namespace xlstm
