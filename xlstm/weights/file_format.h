// What a file of weights is, by its bytes rather than its name.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "xlstm/weights/tensor_source.h"

namespace xlstm {

// Opens one file: safetensors, NPZ or torch's ZIP. Throws Error: kModel, with the reason, for what
// is recognised and not read (GGUF, ONNX, old pickles, ...); kFile, kFormat.
std::unique_ptr<TensorSource> open_weights_file(const std::filesystem::path& file);

// Why files of this name are not read: "a GGUF file; ..."; empty where nothing is known of it.
std::string_view refused_by_name(std::string_view file_name);

}  // namespace xlstm
