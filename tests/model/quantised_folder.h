// Checkpoints as Python's MLX writes them: matrices quantised by MLX itself.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "mlx/mlx.h"
#include "xlstm/base/quantization.h"
#include "xlstm/weights/tensor_source.h"

namespace xlstm::testing {

::mlx::core::array array_of(const TensorSource& source, std::size_t index);

// Copies the model at `from` to `to`, each matrix but the gates quantised by mx::quantize in the
// format that `formats` gives for its tensor's name without ".weight", or for "".
// `dequantised`: writes their values by mx::dequantize instead, as plain float32.
void write_quantised(const std::filesystem::path& from, const std::filesystem::path& to,
                     const std::map<std::string, Quantization>& formats, bool dequantised);

}  // namespace xlstm::testing
