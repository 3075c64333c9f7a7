// What a model's matrices multiply with while it reads texts: walked matrix by matrix, so that one
// block's weights are in memory at a time, and each may be replaced before its product is taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mlx/array.h"
#include "xlstm/ops/ops.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

class MatrixInputs {
 public:
  // `texts`: ids in [0, V), each text at least one. `source` must outlive this.
  // `on_step` is called again and again while they are read; it may throw to stop.
  MatrixInputs(Plan plan, const TensorSource& source, std::vector<std::vector<std::int32_t>> texts,
               std::function<void()> on_step = {});

  // What this holds at most, in bytes, for `tokens` in all while it is at the slot, beside moments.
  static std::uint64_t bytes(const Plan& plan, const std::string& slot, std::uint64_t tokens);

  // The mean of x x^T [K, K], float32, over the inputs x of the matrix in this slot: one of a
  // block's, or a head with weights of its own; none for others. Reads on to there, so slots are
  // to be asked for in the order in which data passes, at most once each.
  std::optional<mlx::core::array> moments(const std::string& slot);

  // From here on the texts are read with `weight` [N, K] in this slot: the last one asked for, or,
  // before all others, the embedding.
  void replace(const std::string& slot, mlx::core::array weight);

 private:
  using Segments = std::vector<mlx::core::array>;  // [1, S, ...], the texts' after each other

  void set(mlx::core::array& place, mlx::core::array value) const;  // evaluated
  void advance();  // to the inputs of the next matrix
  void read_embedding();
  void enter_block(std::int64_t block);
  void run_cell();
  void add_product(const std::string& layer);  // of the inputs, to the residual stream
  void normalise(const std::string& layer);    // the residual stream into the inputs
  mlx::core::array product(const mlx::core::array& x, const std::string& layer) const;
  const mlx::core::array& array_of(const std::string& name) const;
  std::optional<mlx::core::array> bias(const std::string& layer) const;
  void load(const std::string& layer);

  Plan plan_;
  const TensorSource& source_;
  std::vector<std::vector<std::int32_t>> texts_;
  std::function<void()> on_step_;
  std::vector<std::string> order_;                   // slots, as data passes
  std::ptrdiff_t at_ = -1;                           // in `order_`: what inputs_ are of
  std::map<std::string, ops::WeightArray> weights_;  // of what is read now, by canonical name
  std::vector<bool> begins_;  // for each segment: whether a text begins with it
  Segments residual_;         // [1, S, D]
  Segments inputs_;           // [1, S, K]
};

}  // namespace xlstm
