// What a Batch does with a sequence. Nothing here runs the model.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "xlstm/generate/sequence.h"
#include "xlstm/generate/stopwatch.h"
#include "xlstm/generate/text_stream.h"

namespace xlstm {

struct Sequence::Impl {
  Impl(const Model& model, const Tokenizer* tokenizer, State start, std::vector<TokenId> prompt,
       GenerateOptions options, OnToken on_token);
  Impl(const Impl& other, std::optional<std::uint64_t> seed, OnToken on_token);

  // --- the prompt ------------------------------------------------------------------------------
  std::span<const TokenId> unread() const { return std::span(prompt).subspan(read); }
  // `count` more of its tokens were read.
  void have_read(std::size_t count, double seconds);

  // --- the next token --------------------------------------------------------------------------
  // Whether something must see this token, or the logits, before the next one is chosen, so that a
  // step cannot be queued.
  bool has_hooks() const;
  // What the processor makes of logits [1, V]; nothing where there is none. Throws what it throws.
  std::optional<std::vector<float>> processed(const Tensor& logits) const;
  // Asks the constraint what may come: allowed() then says. False where nothing may and the answer
  // is complete; Error(kUsage) where nothing may and it is not.
  bool constrain();
  AllowedIds allowed() const { return constraint ? mask.words() : AllowedIds(); }
  // `id` was chosen: told, shown, compared with what ends the answer. Throws what callbacks throw.
  void accept(TokenId id, std::optional<TopTokens> top = {});
  std::int64_t tokens_left() const {
    return done ? 0 : options.max_tokens - result.statistics.generated_tokens;
  }

  void end(StopReason reason);  // shows what was held back
  void fail(std::exception_ptr what);

  const Model model;  // shares what the caller's has
  Backend& backend;
  std::optional<Tokenizer> tokenizer;
  GenerateOptions options;
  OnToken on_token;
  std::unique_ptr<Constraint> constraint;
  TokenMask mask;  // what it allows
  std::unique_ptr<Sampler> sampler;
  std::optional<TextStream> text;  // none: there is no tokenizer
  State state;                     // while no batch has it
  std::vector<TokenId> prompt;
  std::size_t read = 0;          // tokens of the prompt
  std::optional<TokenId> drawn;  // the next token, where it is chosen but not yet accepted
  Stopwatch watch;               // since the sequence was made
  bool done = false;
  bool told_to_stop = false;  // by on_token, which is not called again
  std::exception_ptr error;
  Completion result;

 private:
  void show(TokenEvent event);
  bool is_cancelled() const;
};

// Of a row's error: other ranks go on with the row where it is this rank's alone, of memory say, so
// that then all end. What all ranks meet alike is none of their business.
// Without a group, nobody's.
void tell_other_ranks(Group* group, const std::exception_ptr& error);

}  // namespace xlstm
