// What one request needs from its prompt to its last token: the state, the tokens, the way the next
// one is chosen, the text, the reasons to stop. Who runs it, alone or among others, is a Batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "xlstm/backend/sampling.h"
#include "xlstm/backend/state.h"
#include "xlstm/generate/completion.h"
#include "xlstm/grammar/constraint.h"
#include "xlstm/model/model.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm {

struct GenerateOptions {
  std::int64_t max_tokens = 50;  // >= 0; 0 reads the prompt only
  Sampling sampling = {};
  // Texts that end the answer; they are not shown. Those of hidden tokens in them are met by the
  // tokens.
  std::vector<std::string> stop = {};
  std::vector<TokenId> end_tokens = {};  // tokens that end it; not shown
  std::size_t uncounted = 0;             // tokens at the prompt's start that penalties do not count
  // Whether the last token is read into the state, too: costs a step, and is only needed by whoever
  // goes on from there.
  bool read_last = true;
  // Asks for log-probabilities: of the chosen tokens, and of this many of the likeliest, 0 to V.
  std::optional<int> top_log_probabilities = {};
  LogitsProcessor process_logits = {};
  std::shared_ptr<const Constraint> constraint = {};  // the sequence takes a clone
  // Asked between the pieces of the prompt and after every token; true ends the run. For stops from
  // outside, which cannot wait for the next piece of text.
  std::function<bool()> cancelled = {};
  // Told after each piece of the prompt what share of it, 0 to 1, has been read.
  std::function<void(double)> on_prompt_progress = {};
};

class Sequence {
 public:
  // To read `prompt` on from `start`, then to answer. Without a tokenizer (null) there are ids and
  // no text. The prompt may be empty where `start` has read something: the answer then goes on from
  // there. Penalties count the tokens of `prompt`, but the `uncounted` ones, and those chosen; rows
  // of the vocabulary without a token are never chosen. Model and tokenizer are shared, not kept by
  // reference.
  //
  // One that was moved from can be assigned to; all else is Error(kUsage).
  //
  // Throws Error(kUsage) for an empty prompt on a state without next_logits, ids outside [0, V),
  // options out of range, stops without a tokenizer.
  Sequence(const Model& model, const Tokenizer* tokenizer, State start, std::vector<TokenId> prompt,
           GenerateOptions options, OnToken on_token = {});
  Sequence(Sequence&&) noexcept;
  Sequence& operator=(Sequence&&) noexcept;
  ~Sequence();

  // One that goes on from the same place, with the same counts and random numbers or, from the next
  // draw on, those of `seed`. It tells its tokens to `on_token`; result() holds those from before
  // the fork too.
  Sequence fork(std::optional<std::uint64_t> seed, OnToken on_token) const;

  bool is_done() const;
  // What made it end, if that was an exception: its own callback's, constraint's or memory's. It
  // has no state then.
  std::exception_ptr error() const;
  const Completion& result() const;
  // While no batch has it: after the prompt and every token read so far. Where it is done: as
  // GenerateOptions::read_last says, and a run cancelled within the prompt has read its first
  // result().statistics.prompt_tokens.
  State& state();
  const State& state() const;

  struct Impl;  // sequence_impl.h: for who runs it
  Impl& impl();
  const Impl& impl() const;

 private:
  explicit Sequence(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace xlstm
