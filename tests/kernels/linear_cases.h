// Cases of linear() as data: the layers of models that people run, and sizes around the borders of
// every tile. The same list serves tests and benchmarks.
#pragma once

#include <cstddef>
#include <vector>

#include "xlstm/kernels/linear/linear.h"

namespace xlstm::testing {

// One dense layer: W is [N, K].
struct LinearLayer {
  const char* model;
  const char* layer;
  std::size_t N, K;
};

inline std::vector<LinearLayer> linear_layers() {
  return {
      {"classics-8m", "gates", 8, 256},
      {"classics-8m", "qkvo", 768, 256},
      {"classics-8m", "out", 256, 256},
      {"classics-8m", "ffn_up", 1408, 256},
      {"classics-8m", "ffn_down", 256, 704},
      {"classics-8m", "lm_head", 4096, 256},
      {"400m", "gates", 8, 1024},
      {"400m", "qkvo", 3072, 1024},
      {"400m", "out", 1024, 1024},
      {"400m", "ffn_up", 5504, 1024},
      {"400m", "ffn_down", 1024, 2752},
      {"400m", "lm_head", 50304, 1024},
      {"xLSTM-7b", "gates", 16, 4096},
      {"xLSTM-7b", "qkvo", 12288, 4096},
      {"xLSTM-7b", "out", 4096, 4096},
      {"xLSTM-7b", "ffn_up", 21888, 4096},
      {"xLSTM-7b", "ffn_down", 4096, 10944},
      {"xLSTM-7b", "lm_head", 50304, 4096},
  };
}

inline const char* name_of(kernels::WeightType type) {
  switch (type) {
    case kernels::WeightType::kF32:
      return "f32";
    case kernels::WeightType::kBF16:
      return "bf16";
    case kernels::WeightType::kF16:
      return "f16";
  }
  return "?";
}

inline constexpr kernels::WeightType kWeightTypes[] = {
    kernels::WeightType::kF32, kernels::WeightType::kBF16, kernels::WeightType::kF16};

struct LinearShape {
  std::size_t M, N, K;
};

// One size varied at a time, over 0, 1 and the remainders of every vector and tile.
inline std::vector<LinearShape> linear_edge_shapes() {
  std::vector<LinearShape> shapes;
  for (std::size_t K = 0; K <= 33; ++K) {
    for (const std::size_t M : {1, 3, 4, 7, 19}) shapes.push_back({M, 37, K});
  }
  for (const std::size_t K : {63, 64, 65, 255, 257, 319, 320, 321, 513, 641, 1025}) {
    for (const std::size_t M : {1, 2, 9, 18}) shapes.push_back({M, 35, K});
  }
  for (std::size_t N = 0; N <= 66; ++N) {
    for (const std::size_t M : {1, 2, 6, 17}) shapes.push_back({M, N, 21});
  }
  for (std::size_t M = 0; M <= 45; ++M) {
    for (const std::size_t N : {5, 33}) shapes.push_back({M, N, 50});
  }
  shapes.push_back({607, 34, 45});   // more rows than one block packs
  shapes.push_back({18, 65, 2100});  // several blocks of K, unlike each other
  shapes.push_back({100, 7, 20});    // many rows, few columns
  return shapes;
}

}  // namespace xlstm::testing
