// The choice of tokens in a graph: on a GPU the next step is queued before this token is read.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "xlstm/backend/sampling.h"
#include "xlstm/mlx/device_array.h"
#include "xlstm/mlx/fused_ops.h"

namespace xlstm::mlx {

// One step of the chain: logits [B, V] float32 and how often each token was seen, [1 or B, V]
// float32 -> logits [B, V]; -inf marks a token that must not be chosen, before and after.
// Composable in any order; neutral values give the identity.
using LogitsStep = std::function<DeviceArray(A logits, A seen)>;

LogitsStep add_logit_bias(const std::map<std::int32_t, float>& bias, std::int64_t V);
LogitsStep mask_tokens(std::span<const std::int32_t> never, std::int64_t V);  // whatever they are
LogitsStep allow_tokens(AllowedIds allowed, std::int64_t V);  // masks the others; not empty
LogitsStep repetition_penalty(float penalty);
LogitsStep presence_penalty(float penalty);
LogitsStep frequency_penalty(float penalty);
LogitsStep temperature(float temperature);  // > 0; also moves the largest logit to 0
LogitsStep top_k(int k);                    // of equal logits the lower id stays
LogitsStep top_p(float p);                  // of equal logits the lower id stays
LogitsStep min_p(float p);

// Logits [B, V], -inf where a token must not be chosen, at least one finite a row, and a key [2]
// uint32 -> [B] int32, each row drawn from its softmax by Gumbel noise.
DeviceArray sample_categorical(A logits, const mx::array& key);

std::unique_ptr<Sampler> make_sampler(const Sampling& sampling, std::uint64_t seed, std::int64_t V,
                                      std::span<const std::int32_t> never, mx::Device device);

// As Backend::sample() has it, by samplers of make_sampler(): logits [B, V] float32 -> [B] int32.
// Rows that take the likeliest of the same ids go through one argmax together, all others through
// the chains of their own.
DeviceArray sample_rows(std::span<Sampler* const> samplers, A logits,
                        std::span<const AllowedIds> allowed, FusedOps& fused);

}  // namespace xlstm::mlx
