#include "xlstm/generate/sequence.h"

#include <algorithm>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/generate/sequence_impl.h"
#include "xlstm/group/told.h"

namespace xlstm {
namespace {

void check(const GenerateOptions& options, const Tokenizer* tokenizer, std::int64_t V) {
  if (options.max_tokens < 0) {
    fail_wanted(ErrorKind::kUsage, "max_tokens", "0 or more", str(options.max_tokens));
  }
  const int top = options.top_log_probabilities.value_or(0);
  if (top < 0 || top > V) {
    fail_wanted(ErrorKind::kUsage, "log-probabilities", str("0 to ", V), str(top));
  }
  if (tokenizer == nullptr && !options.stop.empty()) {
    fail_wanted(ErrorKind::kUsage, "stop", "none, as there is no tokenizer to make text",
                str(options.stop.size()));
  }
}

void check(const std::vector<TokenId>& prompt, const State& start, std::int64_t V) {
  if (prompt.empty() && !start.next_logits) {
    fail_wanted(ErrorKind::kUsage, "prompt", "at least one token, or a state that has read some",
                "none");
  }
  check_ids("prompt", prompt, V);
}

std::vector<TokenId> ids_without_token(const Tokenizer* tokenizer, std::int64_t V) {
  std::vector<TokenId> ids;
  for (TokenId id = 0; tokenizer != nullptr && id < V; ++id) {
    if (!tokenizer->has_token(id)) ids.push_back(id);
  }
  return ids;
}

template <typename T>
std::optional<T> copy_of(const T* value) {
  return value == nullptr ? std::nullopt : std::optional<T>(*value);
}

}  // namespace

void tell_other_ranks(Group* group, const std::exception_ptr& what) {
  if (group == nullptr) return;
  try {
    std::rethrow_exception(what);
  } catch (const Error& error) {
    const bool of_all = error.kind() != ErrorKind::kMemory && error.kind() != ErrorKind::kInternal;
    if (!of_all) group->fail(error);
  } catch (const std::exception& error) {
    group->fail(error);
  } catch (...) {
    group->leave();
  }
}

Sequence::Impl::Impl(const Model& the_model, const Tokenizer* the_tokenizer, State start,
                     std::vector<TokenId> the_prompt, GenerateOptions the_options,
                     OnToken the_on_token)
    : model(the_model),
      backend(the_model.backend()),
      tokenizer(copy_of(the_tokenizer)),
      options(std::move(the_options)),
      on_token(std::move(the_on_token)),
      mask(the_model.plan().V),
      state(std::move(start)),
      prompt(std::move(the_prompt)) {
  const std::int64_t V = model.plan().V;
  check(options, the_tokenizer, V);
  check(prompt, state, V);
  const auto turn = backend.exclusive();
  result.seed =
      options.sampling.seed ? *options.sampling.seed : agreed(backend.group(), random_seed());
  sampler = backend.sampler(options.sampling, result.seed, V, ids_without_token(the_tokenizer, V));
  sampler->see(std::span(prompt).subspan(std::min(options.uncounted, prompt.size())));
  if (tokenizer) text.emplace(*tokenizer, options.stop);
  if (options.constraint) constraint = options.constraint->clone();
  result.prompt_tokens = prompt.size();
  result.statistics.bytes_per_token = model.bytes_per_token();
  if (prompt.empty() && options.max_tokens == 0) end(StopReason::kMaxTokens);
}

Sequence::Impl::Impl(const Impl& other, std::optional<std::uint64_t> seed, OnToken the_on_token)
    : model(other.model),
      backend(other.backend),
      tokenizer(other.tokenizer),
      options(other.options),
      on_token(std::move(the_on_token)),
      constraint(other.constraint ? other.constraint->clone() : nullptr),
      mask(other.mask),
      sampler(seed ? other.sampler->clone(*seed) : other.sampler->clone()),
      text(other.text),
      state(other.state),
      prompt(other.prompt),
      read(other.read),
      drawn(other.drawn),
      watch(other.watch),
      done(other.done),
      told_to_stop(other.told_to_stop),
      error(other.error),
      result(other.result) {
  if (seed) result.seed = *seed;
}

void Sequence::Impl::have_read(std::size_t count, double seconds) {
  read += count;
  result.statistics.prompt_tokens += static_cast<std::int64_t>(count);
  result.statistics.prefill_seconds += seconds;
  if (!unread().empty()) {
    if (options.on_prompt_progress) {
      options.on_prompt_progress(static_cast<double>(read) / static_cast<double>(prompt.size()));
    }
    if (is_cancelled()) end(StopReason::kCancelled);
  } else if (options.max_tokens == 0) {
    end(StopReason::kMaxTokens);
  }
}

bool Sequence::Impl::has_hooks() const {
  return options.process_logits || constraint || options.top_log_probabilities;
}

std::optional<std::vector<float>> Sequence::Impl::processed(const Tensor& logits) const {
  if (!options.process_logits) return std::nullopt;
  const std::span<const float> unchanged = backend.read_floats(logits);
  std::vector<float> out(unchanged.begin(), unchanged.end());
  std::vector<TokenId> tokens = prompt;
  tokens.insert(tokens.end(), result.tokens.begin(), result.tokens.end());
  options.process_logits(tokens, out);
  return out;
}

bool Sequence::Impl::constrain() {
  if (!constraint) return true;
  constraint->allow(mask);
  const bool may_end = constraint->may_end();
  if (mask.none() && may_end) {
    end(StopReason::kComplete);
    return false;
  }
  if (mask.none()) {
    fail_wanted(ErrorKind::kUsage, "constraint", "a token of the vocabulary that may come next",
                str("none ", constraint->where()));
  }
  for (const TokenId id : options.end_tokens) {
    if (may_end) mask.set(id);
  }
  return true;
}

void Sequence::Impl::accept(TokenId id, std::optional<TopTokens> top) {
  Statistics& s = result.statistics;
  if (result.tokens.empty()) s.first_token_seconds = watch.seconds();
  s.decode_seconds = watch.seconds() - s.first_token_seconds;
  result.tokens.push_back(id);
  s.generated_tokens = static_cast<std::int64_t>(result.tokens.size());
  TokenEvent event;
  event.id = id;
  if (top) {
    for (std::size_t i = 0; i < top->ids.size(); ++i) {
      event.top.push_back({top->ids[i], top->log_probabilities[i]});
    }
    event.log_probability = top->chosen;
    result.log_probabilities.push_back(top->chosen);
    result.top.push_back(event.top);
  }

  const auto& ends = options.end_tokens;
  const bool is_end = std::find(ends.begin(), ends.end(), id) != ends.end();
  if (constraint && !is_end) constraint->accept(id);
  std::string piece;
  if (text) piece = is_end ? text->push_end(id) : text->push(id);
  event.text = piece;
  show(std::move(event));
  if (is_end) return end(StopReason::kEndToken);
  if (text && text->stopped()) return end(StopReason::kStopString);
  if (told_to_stop) return end(StopReason::kCancelled);
  if (is_cancelled()) return end(StopReason::kCancelled);
  if (tokens_left() == 0) end(StopReason::kMaxTokens);
}

void Sequence::Impl::show(TokenEvent event) {
  result.text += event.text;
  if (!on_token || told_to_stop) return;
  told_to_stop = !agreed_answer(backend.group(), [&] { return on_token(event); });
}

bool Sequence::Impl::is_cancelled() const {
  return options.cancelled && agreed_answer(backend.group(), options.cancelled);
}

void Sequence::Impl::end(StopReason reason) {
  done = true;
  result.stop_reason = reason;
  if (text && !told_to_stop) {
    const std::string rest = text->finish();
    if (!rest.empty()) show({.id = std::nullopt, .text = rest});
    const bool is_stop = text->stopped() && reason != StopReason::kEndToken;
    if (is_stop) result.stop_reason = StopReason::kStopString;
  }
  result.statistics.peak_bytes =
      std::max<std::uint64_t>(backend.memory().peak, peak_resident_bytes());
}

void Sequence::Impl::fail(std::exception_ptr what) {
  tell_other_ranks(backend.group(), what);
  done = true;
  error = std::move(what);
  state = {};
}

Sequence::Sequence(const Model& model, const Tokenizer* tokenizer, State start,
                   std::vector<TokenId> prompt, GenerateOptions options, OnToken on_token)
    : impl_(std::make_unique<Impl>(model, tokenizer, std::move(start), std::move(prompt),
                                   std::move(options), std::move(on_token))) {}

Sequence::Sequence(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Sequence::Sequence(Sequence&&) noexcept = default;
Sequence& Sequence::operator=(Sequence&& other) noexcept {
  Sequence taken(std::move(other));
  std::swap(impl_, taken.impl_);
  return *this;
}
// A state's memory goes back to the backend.
Sequence::~Sequence() {
  if (impl_ == nullptr) return;
  const Model model = impl_->model;  // outlives the lock
  const auto turn = model.backend().exclusive();
  impl_.reset();
}

const Sequence::Impl& Sequence::impl() const {
  if (impl_ != nullptr) return *impl_;
  fail_wanted(ErrorKind::kUsage, "sequence", "one that has a model", "one that was moved from");
}
Sequence::Impl& Sequence::impl() {
  return const_cast<Impl&>(std::as_const(*this).impl());
}

Sequence Sequence::fork(std::optional<std::uint64_t> seed, OnToken on_token) const {
  const auto turn = impl().backend.exclusive();
  return Sequence(std::make_unique<Impl>(impl(), seed, std::move(on_token)));
}

bool Sequence::is_done() const {
  return impl().done;
}
std::exception_ptr Sequence::error() const {
  return impl().error;
}
const Completion& Sequence::result() const {
  return impl().result;
}
State& Sequence::state() {
  return impl().state;
}
const State& Sequence::state() const {
  return impl().state;
}

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
    case StopReason::kComplete:
      return "complete";
  }
  return "unknown";
}

}  // namespace xlstm
