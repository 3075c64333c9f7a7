// The choice of tokens on the GPU.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda {

// Errors as Backend::sampler().
std::unique_ptr<Sampler> make_sampler(std::shared_ptr<Workspace> work, const Sampling& sampling,
                                      std::uint64_t seed, std::int64_t V,
                                      std::span<const std::int32_t> never);

// The next token of each row, as Backend::sample() has it, by samplers of make_sampler().
Tensor sample_rows(Workspace& work, std::span<Sampler* const> samplers, const Tensor& logits,
                   std::span<const AllowedIds> allowed);

}  // namespace xlstm::cuda
