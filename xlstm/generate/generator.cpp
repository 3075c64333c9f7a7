#include "xlstm/generate/generator.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "mlx/mlx.h"
#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/generate/stop.h"
#include "xlstm/ops/at_once.h"
#include "xlstm/ops/choose.h"
#include "xlstm/ops/evaluate.h"
#include "xlstm/ops/ops.h"

namespace xlstm {
namespace {

namespace mx = mlx::core;

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

void check_ids(const std::vector<TokenId>& prompt, const ModelState& state, std::int64_t V) {
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

void check_call(const ModelState& state, const GenerateOptions& options) {
  if (options.max_tokens < 0) {
    fail_wanted(ErrorKind::kUsage, "max_tokens", "0 or more", str(options.max_tokens));
  }
  if (state.batch() != 1) {
    fail_wanted(ErrorKind::kUsage, "state", "one sequence", str(state.batch()));
  }
}

std::vector<TokenId> ids_without_token(const Tokenizer& tokenizer, std::int64_t V) {
  std::vector<TokenId> ids;
  for (TokenId id = 0; id < V; ++id) {
    if (!tokenizer.has_token(id)) ids.push_back(id);
  }
  return ids;
}

mx::array row_of(const std::vector<TokenId>& ids) {
  return mx::array(ids.begin(), {1, static_cast<int>(ids.size())}, mx::int32);
}

// Waits, on leaving, for steps that are still queued (the one behind an end token, say, or when an
// exception passes): they must not run on while the process ends and takes MLX's own threads away.
struct Settled {
  Settled() { ops::forget_kernel_error(); }  // of steps that an earlier run queued in vain
  ~Settled() { ops::settle(); }
};

// A token being chosen.
struct Choice {
  mx::array token;         // [1] int32
  mx::array sum;           // checksum of all of the model's logits: it costs nothing to read one
                           // number back, as it comes with the token
  std::uint64_t position;  // tokens read before it
};

// One call of generate(): what its steps share.
class Run {
 public:
  Run(const Model& model, const Tokenizer& tokenizer, const GenerateOptions& options,
      const OnText& on_text)
      : model_(model),
        options_(options),
        V_(model.plan().V),
        sampler_(options.sampling, V_, ids_without_token(tokenizer, V_)),
        text_(tokenizer, options, on_text) {}

  Generated generate(ModelState& state, const std::vector<TokenId>& prompt) {
    sampler_.see(
        {prompt.begin() + static_cast<std::ptrdiff_t>(std::min(options_.uncounted, prompt.size())),
         prompt.end()});
    result_.seed = sampler_.seed();
    ForwardResult front =
        prompt.empty() ? ForwardResult{*state.next_logits, state} : read(prompt, state);
    if (result_.reason != StopReason::kCancelled && options_.max_tokens > 0) decode(front);
    state = std::move(front.state);
    state.next_logits = std::move(front.logits);
    return finished();
  }

 private:
  // The whole prompt, or its first segments if it is cancelled in between.
  ForwardResult read(const std::vector<TokenId>& prompt, const ModelState& state) {
    ForwardResult front = model_.prefill(row_of(prompt), state, [&](std::int64_t done) {
      if (options_.on_prompt_progress) {
        options_.on_prompt_progress(static_cast<double>(done) / static_cast<double>(prompt.size()));
      }
      if (options_.cancelled && options_.cancelled()) result_.reason = StopReason::kCancelled;
      return result_.reason != StopReason::kCancelled;
    });
    const mx::array sum = ops::checksum(front.logits);
    ops::evaluate({front.logits, sum});
    front.state.eval();
    check_finite(sum, front.state.positions.front());
    result_.statistics.prompt_tokens =
        static_cast<std::int64_t>(front.state.positions.front() - state.positions.front());
    result_.statistics.prefill_seconds = watch_.seconds();
    return front;
  }

  void check_finite(mx::array sum, std::uint64_t position) const {
    const float value = sum.item<float>();
    if (std::isfinite(value)) return;
    fail_wanted(ErrorKind::kModel, model_.plan().name,
                str("finite logits after ", position, " tokens"),
                str("a sum of ", value, ": weights are not finite or too large for their type"));
  }

  // The token after those that `front` has read, being computed.
  Choice next_choice(const ForwardResult& front) {
    Choice choice = {sampler_.sample(ops::reshaped(front.logits, {1, static_cast<int>(V_)})),
                     ops::checksum(front.logits), front.state.positions.front()};
    ops::evaluate_later({choice.token, choice.sum});
    return choice;
  }

  // Waits for the token.
  TokenId id_of(Choice& choice) const {
    const auto id = ops::with_our_errors([&] { return choice.token.item<TokenId>(); });
    check_finite(choice.sum, choice.position);
    return id;
  }

  // Generates from `front`, which moves on to having read every token. On a GPU the step that reads
  // a token is queued before the token is looked at, so that the device never waits for us; on the
  // CPU, which is the device, there is nothing to gain from a queue.
  void decode(ForwardResult& front) {
    Choice choice = next_choice(front);
    const auto stop = ops::on_cpu() ? decode_at_once(front, choice) : decode_ahead(front, choice);
    if (stop) result_.reason = *stop;
    result_.statistics.decode_seconds = watch_.seconds() - result_.statistics.first_token_seconds;
    if (result_.reason != StopReason::kStopString && !told_to_stop_) {
      if (text_.finish()) result_.reason = StopReason::kStopString;
    }
  }

  // Both return why they stopped, if it is not that there are enough tokens. The step behind the
  // last token is only built: whoever uses the state pays for it.
  std::optional<StopReason> decode_ahead(ForwardResult& front, Choice& choice) {
    for (std::int64_t left = options_.max_tokens; left > 0; --left) {
      step(front, choice);
      Choice next = left > 1 ? next_choice(front) : choice;
      if (const auto reason = take(id_of(choice))) return reason;
      choice = std::move(next);
    }
    return std::nullopt;
  }

  std::optional<StopReason> decode_at_once(ForwardResult& front, Choice& choice) {
    for (std::int64_t left = options_.max_tokens; left > 0; --left) {
      const auto reason = take(id_of(choice));
      if (reason || left == 1) {
        step(front, choice);
        return reason;
      }
      ops::AtOnce at_once;
      step(front, choice);
      choice = next_choice(front);
    }
    return std::nullopt;
  }

  // Nobody but the step owns the state from here on, so that it works in place.
  void step(ForwardResult& front, const Choice& choice) const {
    front = model_.forward(ops::reshaped(choice.token, {1, 1}), std::move(front.state));
  }

  // Returns why to stop, if so.
  std::optional<StopReason> take(TokenId id) {
    if (result_.tokens.empty()) result_.statistics.first_token_seconds = watch_.seconds();
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
    s.peak_bytes = std::max<std::uint64_t>(mx::get_peak_memory(), peak_resident_bytes());
    s.bytes_per_token = model_.bytes_per_token();
    result_.text = text_.text();
    return std::move(result_);
  }

  const Model& model_;
  const GenerateOptions& options_;
  std::int64_t V_;
  Stopwatch watch_;
  Sampler sampler_;
  TextStream text_;
  bool told_to_stop_ = false;  // by on_text, which is not called again
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

Generated generate(const Model& model, const Tokenizer& tokenizer, ModelState& state,
                   const std::vector<TokenId>& prompt, const GenerateOptions& options,
                   const OnText& on_text) {
  check_ids(prompt, state, model.plan().V);
  check_call(state, options);
  const Settled settled;
  return Run(model, tokenizer, options, on_text).generate(state, prompt);
}

}  // namespace xlstm
