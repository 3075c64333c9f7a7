// Specs of layers that families share.
#pragma once

#include <cstdint>
#include <optional>

#include "xlstm/base/activation.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

// Parameter "weight" [V, D]: a token's row.
struct TokenEmbeddingSpec {};

// y = x / sqrt(mean(x^2) + eps) * weight + bias; parameters "weight" [D] and, optional, "bias" [D].
struct RmsNormSpec {
  float eps = 1e-6F;
};

// y = x + W_down (SiLU(gate) * up) of the normed x, gate and up from one product. Kind "ffn";
// parameters "norm.weight" [D], "up.weight" [2 * F, D] (rows gate, up), "down.weight" [D, F], each
// perhaps with a bias.
struct GatedFfnSpec {
  std::int64_t F = 0;  // inner width
  float norm_eps = 1e-6F;
};

// y = output(f(hidden(x))) + residual(x), three products with biases: how forecasters read patches
// and write quantiles. Kind "residual_mlp"; parameters "hidden.weight" [H, I], "output.weight"
// [O, H], "residual.weight" [O, I] with their biases.
struct ResidualMlpSpec {
  std::int64_t I = 0, H = 0, O = 0;  // what it reads, its inner width, what it makes
  Activation activation = Activation::kRelu;
};

// Logits = cap(W x), with cap(y) = soft_cap * tanh(y / soft_cap). Parameter "weight" [V, D]; none
// where it is tied, and W is the embedding's.
struct VocabularyHeadSpec {
  bool tied = false;
  std::optional<float> soft_cap;
};

inline bool is_embedding(const Layer& layer) {
  return std::any_cast<TokenEmbeddingSpec>(&layer.spec) != nullptr;
}
inline bool is_head(const Layer& layer) {
  return std::any_cast<VocabularyHeadSpec>(&layer.spec) != nullptr;
}
inline bool is_tied_head(const Layer& layer) {
  const auto* head = std::any_cast<VocabularyHeadSpec>(&layer.spec);
  return head != nullptr && head->tied;
}

}  // namespace xlstm
