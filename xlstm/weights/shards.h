// Checkpoints in several files.
#pragma once

#include <filesystem>
#include <memory>

#include "xlstm/weights/tensor_source.h"

namespace xlstm {

// Hugging Face shards: `index` maps tensor names to files in its own folder. Throws Error: kFormat
// when it names a file outside the folder or disagrees with a file about its tensors, kFile when a
// file is not there.
std::unique_ptr<TensorSource> open_indexed_shards(const std::filesystem::path& index);

// Whether `folder` holds a file named as NX-AI shards are: model_0.safetensors,
// model_1.safetensors.
bool has_numbered_shards(const std::filesystem::path& folder);

// All of them. Throws Error(kFile) when a number up to the highest is missing.
std::unique_ptr<TensorSource> open_numbered_shards(const std::filesystem::path& folder);

}  // namespace xlstm
