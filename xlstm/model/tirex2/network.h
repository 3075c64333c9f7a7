// The network of a TiRex-2 model: tokens of rows -> quantiles of the patch behind each token.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "xlstm/model/loaded_plan.h"
#include "xlstm/model/tirex2/time_mixer.h"
#include "xlstm/model/tirex2/variate_mixer.h"

namespace xlstm::tirex2 {

class Network {
 public:
  // Throws Error as load_plan() does.
  static Network load(const Plan& plan, const TensorSource& source,
                      std::shared_ptr<Backend> backend, const LoadOptions& options = {});

  // Called with a layer's name and what it made of the stream, [R * S, D].
  using OnLayer = std::function<void(const std::string& layer, const Tensor& x)>;

  // Whole rows from their start on. tokens [R * S, 2 * P] -> of tokens [begin, end) of each target
  // [targets * (end - begin), Q * P] float32.
  Tensor forward(const Tensor& tokens, const RowBatch& rows, std::int64_t begin, std::int64_t end,
                 const OnLayer& on_layer = {}) const;
  // The same from where `states`, of R rows, are, which it moves on by S tokens. No row's future is
  // known.
  Tensor forward(const Tensor& tokens, const RowBatch& rows, std::int64_t begin, std::int64_t end,
                 StateBatch& states) const;

  const LoadedPlan& loaded() const { return loaded_; }
  Backend& backend() const { return *loaded_.backend; }

 private:
  struct Block {
    std::string name;         // "blocks.3"
    const Layer* time_layer;  // of the plan: whose state it is
    std::unique_ptr<const TimeMixer> time;
    std::unique_ptr<const LayerRecipe> ffn;
    std::unique_ptr<const VariateMixer> variate;
    std::size_t first_state = 0;
  };
  // The states of one block for a forward pass.
  using StatesOf = std::function<LayerState(const Block& block)>;

  Tensor run(const Tensor& tokens, const RowBatch& rows, std::int64_t begin, std::int64_t end,
             const StatesOf& states_of, const OnLayer& on_layer) const;

  LoadedPlan loaded_;  // whose backend outlives the layers
  std::shared_ptr<const Plan> plan_;
  std::unique_ptr<const LayerRecipe> input_, out_norm_, output_;  // out_norm_ may be none
  std::vector<Block> blocks_;
};

}  // namespace xlstm::tirex2
