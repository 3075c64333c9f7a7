// What a batch is made of: rows that wait, rows whose prompts are read, rows that decode.
#pragma once

#include <deque>
#include <mutex>
#include <set>
#include <utility>
#include <variant>

#include "xlstm/base/bad_alloc.h"
#include "xlstm/generate/batch.h"
#include "xlstm/generate/sequence_impl.h"

namespace xlstm {

// A row under way.
struct BatchEntry {
  Batch::Row row;
  Sequence sequence;
  std::unique_ptr<StateBatch> reading = {};  // its state while its prompt is read
  Tensor logits = {};        // [1, V]: after what it has read; none where they are the last step's,
  std::size_t step_row = 0;  // in this row of Impl::step_logits
  std::optional<TokenId> unread = {};  // accepted, and yet to be read
  std::optional<TopTokens> top = {};   // beside the drawn token, if asked for

  Sequence::Impl& impl() { return sequence.impl(); }
};

// The tokens of a step, chosen or being computed.
struct BatchChoice {
  Tensor ids;                            // [B] int32
  Tensor sums;                           // [B] of each row's logits: numbers if all of them are
  std::vector<std::uint64_t> positions;  // of each row: tokens read before
};

struct Batch::Impl {
  using Source = std::variant<Sequence, std::function<Sequence()>>;
  using Entries = std::vector<std::unique_ptr<BatchEntry>>;

  Impl(const Model& model, BatchOptions options);
  ~Impl();

  // --- rows come and go: batch.cpp -------------------------------------------------------------
  Row add(Source source);
  void check_model(Sequence& sequence) const;  // Error(kUsage) for another engine's
  void admit();
  void begin(Row row, Source source);
  void end_cancelled();
  std::optional<Source> take_waiting(Row row);
  // Where a row is in a list; the list's length where it is not.
  static std::size_t find_row(const Entries& entries, Row row);
  std::unique_ptr<BatchEntry> take_reading(std::size_t at);   // with its state
  std::unique_ptr<BatchEntry> take_decoding(std::size_t at);  // the same; nothing may be queued
  std::unique_ptr<BatchEntry> take(Row row);                  // of those under way, or null
  void join(std::unique_ptr<BatchEntry> entry);               // the rows that decode
  void finish(std::unique_ptr<BatchEntry> entry);
  void finish_done();  // of the rows that decode, but for those with a token to read
  void fail_all();     // rows that decode, with the exception being handled
  // Throws Error(kCancelled) where this rank has told the others of an error of its own: its next
  // meeting would not be theirs. Others hear at their next one what it was.
  void check_ranks() const;

  // --- prompts: batch_prompts.cpp --------------------------------------------------------------
  void read_prompts();
  std::int64_t to_segment_end(const Sequence::Impl& sequence) const;
  std::size_t kernel_of(std::int64_t rows) const;
  std::vector<std::size_t> next_group(std::int64_t most) const;
  std::int64_t read_group(const std::vector<std::size_t>& group);
  void read_together(const std::vector<BatchEntry*>& entries,
                     const std::vector<std::span<const TokenId>>& pieces);
  void leave_reading(std::size_t at);
  // Of the row at `at` of `reading`, which may leave that list. Returns the tokens read.
  std::int64_t prefill(std::size_t at, std::int64_t most);

  // --- steps: batch_step.cpp -------------------------------------------------------------------
  void decode();
  bool can_queue() const;
  void decode_queued();
  void decode_now();
  // Waits for what is queued, so that rows may come and go. Where that went wrong, the rows that it
  // was for have ended.
  void settle();
  void draw();
  void draw_together(const std::vector<std::optional<std::size_t>>& rows);
  void make_writable();
  void draw_alone(BatchEntry& entry, std::size_t at);
  void look_up_probabilities(BatchEntry& entry);
  void take_tokens(const BatchChoice& choice);
  void take_token(std::size_t at, TokenId id, float sum, std::uint64_t position);
  void accept(BatchEntry& entry);  // the token that was drawn
  BatchChoice choose();
  void forward(const Tensor& ids);
  Tensor logits_of(const BatchEntry& entry);  // [1, V]

  // Calls `call`; what it throws ends the row.
  template <typename Call>
  static void guarded(BatchEntry& entry, Call&& call) {
    try {
      call();
    } catch (...) {
      entry.impl().fail(current_error());
    }
  }

  const Model model;  // shares what the caller's has
  Backend& backend;
  const std::int64_t V;
  const BatchOptions options;

  std::mutex mutex;  // guards these
  std::deque<std::pair<Row, Source>> waiting;
  std::set<Row> cancelled;
  Row next_row = 1;
  std::size_t unfinished = 0;

  Entries reading;   // in the order in which they came
  Entries decoding;  // in the order of `states`
  std::unique_ptr<StateBatch> states;
  Tensor step_logits;                 // [B', V] of the last step
  std::optional<BatchChoice> queued;  // of all rows that decode
  std::vector<Finished> finished;
  std::uint64_t accepted = 0;  // tokens
};

// Throws Error(kModel) unless the sum of all logits after `position` tokens is a number.
void check_finite(const Model& model, float sum, std::uint64_t position);

}  // namespace xlstm
