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
// or no GPU that serves. `group`: as Backend's; each rank takes a GPU of its own, all together, by
// NCCL: Error(kUsage), with the remedy, where there are too few or there is no NCCL (nccl.h).
std::unique_ptr<Backend> make_backend(DType activation_dtype, std::size_t threads = 0,
                                      std::shared_ptr<Group> group = {});

}  // namespace xlstm::cuda
