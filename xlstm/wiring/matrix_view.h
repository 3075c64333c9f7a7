// A checkpoint's tensors with each quantised matrix as the one tensor that it stands for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "xlstm/base/quantization.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/diagnostics.h"
#include "xlstm/wiring/quantization_config.h"

namespace xlstm {

// The tensors of one quantised matrix, indices into the checkpoint's.
struct PackedTensors {
  Quantization format;
  DType scale_type = DType::kBF16;  // kU8 for mxfp4
  std::size_t words = TensorSource::npos;
  std::size_t scales = TensorSource::npos;
  std::size_t biases = TensorSource::npos;  // none for mxfp4
};

// X.weight of uint32, X.scales and X.biases become one X.weight [N, K] of a float type, whose
// `bytes` are those of all three. Faults: parts that are missing, of wrong types, or that do not
// fit each other and the format which the config gives the layer.
class MatrixView : public TensorSource {
 public:
  // `source` must outlive the view.
  MatrixView(const TensorSource& source, const QuantizationConfig& config,
             Diagnostics& diagnostics);

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  const std::map<std::string, std::string>& metadata() const override;
  // Of a quantised matrix: its packed words.
  void read(std::size_t index, std::uint64_t offset, std::span<std::byte> to) const override;

  // Index into the checkpoint's tensors; of a quantised matrix that of its words.
  std::size_t origin(std::size_t index) const { return origins_[index]; }
  // Null for a plain tensor.
  const PackedTensors* packed(std::size_t index) const {
    return packed_[index] ? &*packed_[index] : nullptr;
  }
  // A quantised matrix with faults: its shape is unknown and there is no more to say about it.
  bool has_faults(std::size_t index) const { return has_faults_[index]; }

 private:
  void add_plain(std::size_t index);
  void add_packed(std::size_t words, const QuantizationConfig& config, Diagnostics& diagnostics);

  const TensorSource& source_;
  std::vector<TensorInfo> tensors_;
  std::vector<std::size_t> origins_;
  std::vector<std::optional<PackedTensors>> packed_;
  std::vector<bool> has_faults_;
};

}  // namespace xlstm
