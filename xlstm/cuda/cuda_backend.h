// The CUDA backend: every op is queued on a GPU when it is called, by kernels of our own; steps
// that are alike are recorded and repeated at once.
#pragma once

#include <cstddef>
#include <memory>

#include "xlstm/backend/backend.h"

namespace xlstm::cuda {

// Whether this machine has a driver and a GPU that a backend can use.
bool has_gpu() noexcept;

// `activation_dtype`: kF32 or kBF16; products of float32 are in real float32. `threads`: of the
// host; 0: default_thread_count(). Throws Error(kUsage), with the remedy, where there is no driver
// or no GPU that serves.
std::unique_ptr<Backend> make_backend(DType activation_dtype, std::size_t threads = 0);

}  // namespace xlstm::cuda
