// Products with weights of any type: which kernel, or cuBLASLt, for which number of rows.
#pragma once

#include <memory>
#include <optional>

#include "xlstm/cuda/dense_rows.h"
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/products.h"
#include "xlstm/cuda/tensor_row.h"
#include "xlstm/cuda/tensor_rows.h"
#include "xlstm/cuda/warpgroup_rows.h"
#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda {

// y = x W^T (+ bias), with what may surround it.
struct RowProduct {
  const Tensor& x;  // [M, K]
  const Dense& dense;
  const Norm* norm = nullptr;  // of x, before
  float eps = 0;
  const Dense* second = nullptr;  // float32 [N2, K], another product of the normed x
  Tensor residual = {};           // [M, N], added
  // x is the mLSTM's h [1, K] float32: `norm` is of each of NH heads, and then times
  // sigmoid(columns of qkvo from out_gate_column on).
  const Tensor* qkvo = nullptr;
  std::int64_t out_gate_column = 0, NH = 0;
  bool swiglu = false;  // y = SiLU(gate) * up, of W's rows gate, up
  Tensor result = {};   // memory for y; none: new
};

TensorShape shape_of(const QuantizedTensor& W);  // [N, K]
QuantizedArgs quantized_args(Workspace& work, const QuantizedTensor& W);

class Linear {
 public:
  explicit Linear(Workspace& work)
      : work_(work),
        tensor_row_(work),
        tensor_rows_(work),
        warpgroup_rows_(work),
        dense_rows_(work) {}

  // Without norm, second and swiglu.
  Tensor compute(const RowProduct& product);

  // Whether there is one kernel for all of it, and it is the fastest way.
  bool is_for_rows(const RowProduct& product);
  // Whether that kernel also takes the mLSTM's h as it is.
  bool takes_heads(const RowProduct& product) const;
  // `second` becomes product.second's result, [M, N2] float32.
  Tensor compute_rows(const RowProduct& product, Tensor* second = nullptr);

  // Whether one kernel norms x, which has up to 64 rows, and computes its product with `second`
  // where there is one.
  bool can_norm(const Tensor& x, const Dense* second = nullptr) const;
  // The normed x; the product, [M, N2] float32, in y2. `ordered_bits`: of weights in whose order
  // warpgroup_rows.cu has the columns; 0: as they are.
  Tensor normed(const Tensor& x, const Norm& norm, float eps, const Dense* second = nullptr,
                Tensor* y2 = nullptr, int ordered_bits = 0);

  Products* library();  // of products of many rows, looked for when it is first asked for; or none

 private:
  std::optional<TensorRow::Plan> row_plan(const RowProduct& product) const;
  std::optional<TensorRows::Plan> tensor_plan(const RowProduct& product) const;
  std::optional<DenseRows::Plan> dense_plan(const RowProduct& product);
  Tensor by_tensor_rows(const RowProduct& product, const TensorRows::Plan& plan, Tensor* second);
  Tensor by_dense_rows(const RowProduct& product, const DenseRows::Plan& plan, Tensor* second);
  bool is_for_library(const RowProduct& product);
  bool is_aligned(const Tensor& W);  // begins at 16 bytes
  bool can_norm_first(const RowProduct& product) const;
  Tensor result_of(const RowProduct& product, DType dtype);  // its memory, or new
  void launch_rows(const RowProductArgs& args, DType W);
  bool can_stream(std::int64_t M, std::int64_t K, DType x, DType W) const;
  void stream_rows(const RowProductArgs& args, DType x, DType W);
  bool can_stream(const RowProduct& product, const QuantizedTensor& W) const;
  void stream_rows(const RowProductArgs& args, DType x, const QuantizedTensor& W);
  Tensor by_library_or_tiles(const RowProduct& product, const Tensor& W);
  // W as floats of the type that x has.
  Tensor dequantized(const QuantizedTensor& W, DType dtype);
  // Of plain weights, or without the pointer to quantised ones.
  RowProductArgs arguments(const RowProduct& product, const Tensor& y);

  Workspace& work_;
  TensorRow tensor_row_;
  TensorRows tensor_rows_;
  WarpgroupRows warpgroup_rows_;
  DenseRows dense_rows_;
  bool looked_for_library_ = false;
  std::unique_ptr<Products> library_;
};

}  // namespace xlstm::cuda
