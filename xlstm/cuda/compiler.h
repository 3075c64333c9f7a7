// Kernels compiled when the program runs, where nvcc was not there when it was built.
#pragma once

#include <string_view>
#include <vector>

#include "xlstm/cuda/kernel_texts.h"

namespace xlstm::cuda {

// Machine code for GPUs of this compute capability (90: 9.0): from the cache on disk
// ($XDG_CACHE_HOME/xlstm/cuda, else ~/.cache/xlstm/cuda), else by NVRTC, and then put there.
// `fresh` passes by what the cache has. Throws Error(kUsage), with the remedy, where there is no
// NVRTC, and Error(kInternal) with its messages where it refuses the text.
std::vector<char> compiled(const KernelText& kernel, int capability, bool fresh = false);

}  // namespace xlstm::cuda
