// Checks of ops' inputs: one line each, one form of message.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "xlstm/backend/backend.h"

namespace xlstm {

// Throw Error(kInternal) "[op] wanted `name` of shape ..., got ...".
void check_shape(std::string_view op, std::string_view name, const Tensor& tensor,
                 const TensorShape& shape);
void check_axes(std::string_view op, std::string_view name, const Tensor& tensor, std::size_t axes);
void check_dtype(std::string_view op, std::string_view name, const Tensor& tensor, DType dtype);
void check_elements(std::string_view op, const Tensor& tensor, std::int64_t count);
// S of x [B * S, D].
std::int64_t check_sequences(std::string_view op, const Tensor& x, std::int64_t B);
void check_range(std::string_view op, std::int64_t begin, std::int64_t end, std::int64_t length);

// The tokens of the mLSTM ops, as Backend's comments have them.
void check_mlstm_cell(const MlstmCellInput& in, const MlstmMixerSpec& s);
void check_mlstm_mixer(const Tensor& qkvo, const Tensor& gates, const MlstmMixerSpec& s);

// Rows and width of Backend::row_attention(): S, the tokens of a row.
std::int64_t check_row_attention(const Tensor& qkv, const RowAttentionSpec& spec);

// The other ops that work head by head or over time, likewise. Those with a state: T of B
// sequences.
void check_join_columns(std::span<const Tensor> parts);
void check_headwise(const Tensor& x, const Headwise& w);
void check_causal_conv1d(const Tensor& x, const CausalConv& w, std::int64_t B);
void check_slstm_scan(const Tensor& gates_if, const Tensor& gates_zo, const SlstmWeights& w,
                      std::int64_t B);

// Logits [B, V] of B different samplers, and a mask for each row or none.
void check_sample(std::span<Sampler* const> samplers, const Tensor& logits,
                  std::span<const AllowedIds> allowed);

}  // namespace xlstm
