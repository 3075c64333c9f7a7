// The choice of tokens on the CPU.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "xlstm/backend/backend.h"

namespace xlstm::cpu {

// `backend`, a CPU backend, must outlive the sampler. Errors as Backend::sampler().
std::unique_ptr<Sampler> make_sampler(Backend& backend, const Sampling& sampling,
                                      std::uint64_t seed, std::int64_t V,
                                      std::span<const std::int32_t> never);

}  // namespace xlstm::cpu
