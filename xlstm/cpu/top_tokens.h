// The likeliest tokens of a row on the CPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "xlstm/backend/top_tokens.h"
#include "xlstm/base/thread_pool.h"

namespace xlstm::cpu {

// top_tokens_of() by kernels, the memory to search in the pool's. Any thread may ask. A
// log-probability errs as kernels::log_sum_exp() does, and by its own rounding to float32.
TopTokens find_top_tokens(ThreadPool& pool, std::span<const float> logits, std::int32_t chosen,
                          std::size_t n);

}  // namespace xlstm::cpu
