// A checkpoint whose weights were quantised and dequantised again: the same numbers as the
// quantised file has, for any kernel to multiply with.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "xlstm/base/thread_pool.h"
#include "xlstm/convert/input_covariance.h"
#include "xlstm/kernels/quantize/ldl_factor.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/plan.h"
#include "xlstm/wiring/quantization_recipe.h"

namespace xlstm {

class RoundedSource : public TensorSource {
 public:
  enum class Use {
    kWeighted,     // the scales' search counts errors by the covariance' diagonal
    kCompensated,  // as xlstm convert
    kApart         // without recording what matrices became
  };

  // `source` and `pool` must outlive this. `covariance` may be null.
  RoundedSource(const TensorSource& source, const Plan& plan, const QuantizationRecipe& recipe,
                InputCovariance* covariance, Use use, ThreadPool& pool);

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  void read(std::size_t index, std::uint64_t offset, std::span<std::byte> to) const override;
  const std::map<std::string, std::string>& metadata() const override { return source_.metadata(); }

  // What the quantised weights take, with their scales; all other tensors as they are.
  std::uint64_t packed_bytes() const { return packed_bytes_; }

 private:
  struct Inputs {
    const float* importance = nullptr;
    const kernels::LdlFactor* factor = nullptr;
  };
  void round(std::size_t index, const Quantization& format, bool search, const Inputs& inputs);

  const TensorSource& source_;
  ThreadPool& pool_;
  std::vector<TensorInfo> tensors_;
  std::map<std::size_t, std::vector<float>> values_;
  std::uint64_t packed_bytes_ = 0;
};

}  // namespace xlstm
