// Sequences that decode together: the weights are read once a step for all of them. They join and
// leave at any step; each has its own prompt, sampling, random numbers, hooks and end, and there is
// no padding. A prompt is read in the pieces that it would be read in alone, between the steps of
// the others; short ones are read together where that changes nothing for them.
//
// A row's result does not depend on its neighbours: neither on what they are nor on when they come
// and go. How many rows decode may change the kernel that multiplies them, and so the rounding:
// Model::row_limits() are the numbers from which on, docs/numerics.md says why.
//
// Where the backend is lazy, the next step is queued before the tokens of the last one are looked
// at, as long as the rows stay the same and none of them has a hook that must see the logits first.
//
// add() and cancel() may be called from any thread, all else from one thread; what it calls back
// runs in that one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "xlstm/generate/sequence.h"
#include "xlstm/model/model.h"

namespace xlstm {

struct BatchOptions {
  std::size_t max_rows = 0;  // that are under way at once; the others wait. 0: all of them
  // Tokens of prompts that are read between two steps, in whole segments: more and prompts are read
  // sooner, fewer and the others wait less. 0: one segment (Backend::segment_tokens()).
  std::int64_t prompt_tokens = 0;
};

class Batch {
 public:
  using Row = std::uint64_t;  // never used twice

  // A row that is done.
  struct Finished {
    Row row = 0;
    std::optional<Sequence> sequence;  // none where it was not made
    std::exception_ptr error;          // what ended it, if that was one
  };

  explicit Batch(const Model& model, BatchOptions options = {});
  Batch(Batch&&) noexcept;
  Batch& operator=(Batch&&) noexcept;
  ~Batch();  // waits for what is under way

  // Of a sequence of this batch's engine, else Error(kUsage). It begins at the next step where
  // there is room.
  Row add(Sequence sequence);
  // The same of one that is made at that step, by the thread that steps: a sequence takes memory of
  // the backend. What `make` throws ends the row.
  Row add(std::function<Sequence()> make);
  // Ends a row at the next step. Nothing happens where it is done.
  void cancel(Row row);

  // Reads prompts as BatchOptions say, then chooses a token for every row whose prompt is read.
  // What goes wrong with a row ends that row (Finished::error); what goes wrong with a step ends
  // all rows that it was for. Returns whether rows are left.
  bool step();
  // Reads at most `most` tokens of a row's prompt now; all but the last piece are cut to whole
  // chunks of kSegmentMultiple. Returns how many it read: 0 where the row has none left to read.
  std::int64_t prefill(Row row, std::int64_t most);
  // Adds a row that goes on from where this one is: see Sequence::fork. Throws Error(kUsage) for a
  // row that is not under way, the error of one that it finds failed, which then is done, and what
  // the fork throws (a clone of a constraint, say): the row itself goes on.
  Row fork(Row row, std::optional<std::uint64_t> seed, OnToken on_token = {});
  // Takes a row out wherever it is; added again, it goes on. Error(kUsage) for a row that is not
  // here.
  Sequence remove(Row row);
  // Rows that are done since the last call, in the order in which they ended.
  std::vector<Finished> take_finished();
  // Steps until all rows are done; hands over each as soon as it is.
  void run(const std::function<void(Finished)>& on_finished);

  std::size_t rows() const;      // not done: waiting and under way
  std::uint64_t tokens() const;  // chosen so far, of all rows that ever were

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xlstm
