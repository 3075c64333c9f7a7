// Checkpoints in several files.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "xlstm/weights/tensor_source.h"

namespace xlstm {

// The tensors of several sources as one. Throws Error(kFormat) when a name is in two of them.
std::unique_ptr<TensorSource> join_sources(std::vector<std::unique_ptr<TensorSource>> sources);

// Hugging Face shards: `index` maps tensor names to files in its own folder. Throws Error(kFormat)
// when it names a file outside the folder, or disagrees with a file about its tensors.
std::unique_ptr<TensorSource> open_indexed_shards(const std::filesystem::path& index);

// NX-AI shards: model_0.safetensors, model_1.safetensors, ... without a gap.
std::unique_ptr<TensorSource> open_numbered_shards(const std::filesystem::path& folder);

}  // namespace xlstm
