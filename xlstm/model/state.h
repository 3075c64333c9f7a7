// The recurrent state of an xLSTM-large model: a value of constant size, whatever was read.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "xlstm/ops/ops.h"

namespace xlstm {

// Arrays are immutable and reference-counted: a copy is a fork and costs some handles. A step
// writes in place when its state has no other owner, else into fresh memory.
struct ModelState {
  std::vector<ops::MlstmState> blocks;   // [L]
  std::vector<std::uint64_t> positions;  // [B]: tokens each sequence has read
  // [B, 1, V], float32: the logits of the token after the last one read, so that an answer can go
  // on without new text. Nothing at the start of a sequence, and in files of version 0.1.0.
  std::optional<mlx::core::array> next_logits = {};

  int batch() const { return static_cast<int>(positions.size()); }
  std::uint64_t bytes() const;  // of the blocks

  ModelState gather(
      const std::vector<int>& rows) const;  // rows may repeat; throws kUsage if out of range
  ModelState drop(const std::vector<int>& rows) const;             // all rows but these
  static ModelState stack(const std::vector<ModelState>& states);  // along the batch

  void eval() const;  // waits until all arrays are computed
};

}  // namespace xlstm
