// The recurrent state: of one sequence, a value of constant size, and of the sequences that one
// call moves on together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "xlstm/backend/tensor.h"

namespace xlstm {

// Of one sequence. A copy is a fork and costs some handles: whoever moves one of the two on writes
// into memory of its own.
struct State {
  std::vector<Tensor> tensors;  // as the plan's layers declare them, in their order; float32
  std::uint64_t position = 0;   // tokens read
  // [V] float32: the logits of the token after the last one read, so that an answer can go on
  // without new text. None at the start of a sequence, and in files of version 0.1.0.
  Tensor next_logits = {};

  std::uint64_t bytes() const;  // of `tensors`: the same at every position
};

class StateBatch;

// How a layer moves a row's state on by the first n of the tokens that it has just read, from what
// it has computed of them: `to` holds that row alone, as it was before them, its tensors of this
// layer from `first` on.
using StateReplay =
    std::function<void(StateBatch& to, std::size_t first, std::int64_t row, std::int64_t n)>;

// The states of the sequences that one call moves on, a row each. Made by a backend, which keeps
// them as its ops want them.
class StateBatch {
 public:
  virtual ~StateBatch() = default;

  std::size_t rows() const { return positions_.size(); }
  // Of each row: tokens read. Whoever runs the recipes counts them.
  std::vector<std::uint64_t>& positions() { return positions_; }

  // Adds a row behind the others; `state.next_logits` is dropped. Throws Error(kInternal) where its
  // tensors are not those of the other rows.
  void add(State state);
  // Takes a row out; those behind it move up.
  State remove(std::size_t row);
  // A fork of a row.
  State copy(std::size_t row) const;
  // Another state in a row's place. Throws as add() does.
  void replace(std::size_t row, State state);

  // Between these, layers leave replays for the states that they move (model/trial.h).
  struct LayerReplay {
    std::size_t first;  // the layer's first tensor
    StateReplay replay;
  };
  void start_trial() { is_on_trial_ = true; }
  std::vector<LayerReplay> end_trial();
  bool is_on_trial() const { return is_on_trial_; }
  void add_replay(std::size_t first, StateReplay replay);

  // Takes the memory that the next step will need to write to a row's tensors, where a fork of the
  // sequence holds them too: so that it is one row that fails where there is none.
  virtual void make_writable(std::size_t /*row*/) {}

  // How many tokens of each row the call under way reads, where these differ; else none, and all
  // rows have as many. For backends that take unequal lengths.
  std::span<const std::int64_t> lengths() const { return lengths_; }
  void set_lengths(std::span<const std::int64_t> lengths) {
    lengths_.assign(lengths.begin(), lengths.end());
  }

  // Waits until all tensors are computed.
  virtual void evaluate() = 0;

  // Tensor `index` of all rows together, [B, ...], for recipes that work on it with general ops. It
  // is gone from the batch until put() brings the next one.
  virtual Tensor take(std::size_t index) = 0;
  virtual void put(std::size_t index, Tensor tensor) = 0;

 private:
  virtual void add_tensors(std::vector<Tensor> tensors) = 0;
  virtual std::vector<Tensor> remove_tensors(std::size_t row) = 0;
  virtual std::vector<Tensor> copy_tensors(std::size_t row) const = 0;
  virtual void replace_tensors(std::size_t row, std::vector<Tensor> tensors) = 0;
  void check_row(std::size_t row) const;

  std::vector<std::uint64_t> positions_;
  std::vector<std::int64_t> lengths_;
  bool is_on_trial_ = false;
  std::vector<LayerReplay> replays_;
};

// The tensors of one layer in a batch: those from `first` on.
struct LayerState {
  StateBatch& batch;
  std::size_t first = 0;
};

}  // namespace xlstm
