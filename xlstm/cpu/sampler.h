// The choice of tokens on the CPU.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "xlstm/backend/sampling.h"
#include "xlstm/base/thread_pool.h"

namespace xlstm::cpu {

// Errors as Backend::sampler().
std::unique_ptr<Sampler> make_sampler(const Sampling& sampling, std::uint64_t seed, std::int64_t V,
                                      std::span<const std::int32_t> never);

// The next token of logits [V] by a sampler of make_sampler(), as Backend::sample() has it. Memory
// in which the row is changed and searched is the pool's. Several threads may do so at the same
// time, with a sampler each.
std::int32_t sample_row(ThreadPool& pool, Sampler& sampler, std::span<const float> logits,
                        AllowedIds allowed);

}  // namespace xlstm::cpu
