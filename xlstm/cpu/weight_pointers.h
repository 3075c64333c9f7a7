// Weights as kernels take them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "xlstm/backend/weights.h"
#include "xlstm/kernels/dense/dense.h"
#include "xlstm/kernels/headwise/headwise.h"

namespace xlstm::cpu {

// Pointers into weights of the CPU backend, which must outlive them. Throw Error(kInternal), which
// names `op`, where shapes or types do not fit.
kernels::NormWeights norm_pointers(std::string_view op, const Norm& norm, std::size_t width);
kernels::DenseWeights dense_pointers(std::string_view op, const Dense& dense);
kernels::HeadwiseWeights headwise_pointers(const Tensor& x, const Headwise& headwise);

// The rows of an embedding W [V, D] of any type.
class EmbeddingRows {
 public:
  explicit EmbeddingRows(const WeightTensor& W);

  std::size_t D() const { return matrix_.K; }
  // Row `id` as float32 [D]. Throws Error(kInternal) for an id outside [0, V).
  void read(std::int32_t id, float* row) const;

 private:
  kernels::DenseWeights matrix_;
};

}  // namespace xlstm::cpu
