#include "benchmarks/rounded_source.h"

#include <algorithm>
#include <utility>

#include "xlstm/kernels/quantize/quantize_matrix.h"
#include "xlstm/kernels/quantized_linear/quantized_linear.h"

namespace xlstm {

RoundedSource::RoundedSource(const TensorSource& source, const Plan& plan,
                             const QuantizationRecipe& recipe, InputCovariance* covariance, Use use,
                             ThreadPool& pool)
    : source_(source), pool_(pool), tensors_(source.tensors()) {
  for (const TensorInfo& tensor : tensors_) packed_bytes_ += tensor.bytes;
  for (const Layer& layer : plan.layers) {
    for (const Parameter& parameter : layer.parameters) {
      const auto format = format_for(recipe, plan, layer, parameter);
      if (!format) continue;
      const auto K = static_cast<std::size_t>(parameter.shape[1]);
      Inputs inputs;
      std::vector<float> columns,
          found = covariance != nullptr ? covariance->covariance(parameter.name) : columns;
      kernels::LdlFactor factor;
      if (!found.empty() && use == Use::kWeighted) {
        for (std::size_t k = 0; k < K; ++k) columns.push_back(found[k * K + k]);
        inputs.importance = columns.data();
      } else if (!found.empty()) {
        factor = kernels::factor_moments(pool_, std::move(found), K);
        inputs.factor = &factor;
      }
      for (const std::size_t index : parameter.sources) {
        round(index, *format, recipe.search, inputs);
        if (covariance != nullptr && use == Use::kCompensated) {
          covariance->record_result(parameter.name, values_.at(index));
        }
      }
    }
  }
}

void RoundedSource::read(std::size_t index, std::uint64_t offset, std::span<std::byte> to) const {
  const auto found = values_.find(index);
  if (found == values_.end()) return source_.read(index, offset, to);
  std::ranges::copy(std::as_bytes(std::span(found->second)).subspan(offset, to.size()), to.begin());
}

void RoundedSource::round(std::size_t index, const Quantization& format, bool search,
                          const Inputs& inputs) {
  TensorInfo& info = tensors_[index];
  const auto N = static_cast<std::size_t>(info.shape[0]);
  const auto K = static_cast<std::size_t>(info.shape[1]);
  const bool affine = format.mode == QuantizationMode::kAffine;
  const auto type = scale_type_for(format, info.dtype) == DType::kF16 ? kernels::WeightType::kF16
                                                                      : kernels::WeightType::kBF16;
  std::vector<std::uint32_t> words(
      N * static_cast<std::size_t>(quantized_words(format, info.shape[1])));
  std::vector<std::byte> scales(N * kernels::scale_bytes(format, type, K));
  std::vector<std::byte> biases(affine ? scales.size() : 0);
  const kernels::QuantizedRows out = {words.data(), scales.data(), affine ? biases.data() : nullptr,
                                      type};
  const auto rounding = search ? kernels::Rounding::kSearch : kernels::Rounding::kMinMax;
  if (inputs.factor != nullptr) {
    kernels::gptq_matrix(pool_, source_.read_all(index), info.dtype, N, *inputs.factor, format,
                         rounding, out, info.name);
  } else {
    kernels::quantize_matrix(pool_, source_.read_all(index), info.dtype, N, K, format, rounding,
                             inputs.importance, out, info.name);
  }
  std::vector<float>& values = values_[index];
  values.resize(N * K);
  const kernels::QuantizedMatrix W{format, words.data(), scales.data(),
                                   affine ? biases.data() : nullptr, type};
  pool_.parallel_for(
      N, [&](std::size_t n) { kernels::dequantize_row(W, n, K, values.data() + n * K); });
  packed_bytes_ -= info.bytes;
  packed_bytes_ += words.size() * 4 + scales.size() + biases.size();
  info.dtype = DType::kF32;
  info.bytes = values.size() * 4;
}

}  // namespace xlstm
