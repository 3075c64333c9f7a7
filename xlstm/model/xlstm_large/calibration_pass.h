// What the matrices of an xLSTM-large model multiply with while it reads texts: layer by layer, so
// that one block's weights are in memory at a time, and each matrix may be replaced before its
// product is taken. The recipes (recipes.h) in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "xlstm/backend/backend.h"
#include "xlstm/model/layer_recipe.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/plan.h"

namespace xlstm::xlstm_large {

class CalibrationPass {
 public:
  // `texts`: ids in [0, V), each text at least one. `source` must outlive this. `backend` computes
  // in float32. `on_step` is called again and again while they are read; it may throw to stop.
  CalibrationPass(Plan plan, const TensorSource& source, std::shared_ptr<Backend> backend,
                  std::vector<std::vector<std::int32_t>> texts, std::function<void()> on_step = {});

  // What this holds at most, in bytes, for `tokens` in all while it is at the parameter, beside
  // covariances.
  static std::uint64_t bytes(const Plan& plan, const std::string& parameter, std::uint64_t tokens);

  // The mean of x x^T [K, K], float32, over the inputs x of this matrix: one of a block's, or a
  // head with weights of its own; none for others. Reads on to there, so matrices are to be asked
  // for in the order in which data passes, at most once each.
  std::optional<Tensor> covariance(const std::string& parameter);

  // From here on the texts are read with `weight` [N, K] in this place: that of the parameter last
  // asked for, or, before all others, the embedding.
  void replace(const std::string& parameter, Tensor weight);

  Backend& backend() { return *backend_; }

 private:
  using Segments = std::vector<Tensor>;  // [S, ...], the texts' after each other

  void set(Tensor& place, Tensor value);  // evaluated
  void advance();                         // to the inputs of the next matrix
  void read_embedding();
  void enter_block(std::size_t block);
  void run_mixer(const Layer& layer);
  void add_product(const Layer& layer, std::string_view name);           // of inputs, to the stream
  void normalise(const Layer& layer, std::string_view name, float eps);  // the stream into inputs
  void load(const Layer& layer);
  LayerWeights weights_of(const Layer& layer) const;
  const Layer& layer_of(std::size_t block, std::string_view name) const;

  std::shared_ptr<Backend> backend_;  // outlives the tensors below
  Plan plan_;
  const TensorSource& source_;
  std::vector<std::vector<std::int32_t>> texts_;
  std::function<void()> on_step_;
  std::size_t blocks_ = 0;
  std::vector<std::string> order_;  // of the matrices, as data passes
  std::ptrdiff_t at_ = -1;          // in `order_`: what inputs_ are of
  WeightMap weights_;               // of what is read now
  std::vector<bool> begins_;        // for each segment: whether a text begins with it
  Segments residual_;               // [S, D]
  Segments inputs_;                 // [S, K]
};

}  // namespace xlstm::xlstm_large
