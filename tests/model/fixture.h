// Models and golden outputs as tests open them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/backend/backends.h"
#include "xlstm/cpu/cpu_backend.h"
#include "xlstm/model/model.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm::testing {

inline std::filesystem::path data_folder() {
  return XLSTM_TEST_DATA;
}
inline std::filesystem::path classics_folder() {
  return std::filesystem::path(XLSTM_SOURCE_DIR) / "models/classics-8m";
}

// On the CPU backend, unless a test says otherwise.
Model open_model(const std::filesystem::path& folder, DType weights = DType::kF32,
                 std::shared_ptr<Backend> backend = cpu::make_backend(2));

// A small model whose sizes are no powers of two.
inline Model open_odd_model(std::shared_ptr<Backend> backend = cpu::make_backend(2)) {
  return open_model(data_folder() / "golden/large-odd-heads", DType::kF32, std::move(backend));
}
// The same on this backend, opened once.
const Model& odd_model_on(const BackendCase& backend);

// Ids [B, S].
Tensor tokens_of(const Model& model, const std::vector<std::int32_t>& ids, std::int64_t B = 1);

// What a run left: logits, and the state of each row.
struct RunResult {
  std::vector<float> logits;
  std::vector<State> states;
};

// Reads ids [B, S] from `states` on, one of each row, in pieces of so many tokens (0: all at once),
// with the logits of all positions, [B, S, V].
RunResult run(const Model& model, const std::vector<State>& states,
              const std::vector<std::int32_t>& ids, std::int64_t piece = 0);
// The same from the start of B sequences.
RunResult run_from_start(const Model& model, const std::vector<std::int32_t>& ids,
                         std::int64_t B = 1, std::int64_t piece = 0);

std::vector<std::int32_t> random_ids(std::size_t count, std::int64_t V, unsigned seed);

// Largest |a - b| over largest |b|; infinity when sizes differ or something is not finite.
double relative_difference(const std::vector<float>& a, const std::vector<float>& b);

// The same over all tensors of a state; infinity where positions differ.
double state_difference(Backend& backend, const State& a, const State& b);

// How far two float32 evaluations of the model may be apart, relative to the largest value: each
// product of length n rounds n times at most, and the residual stream passes through all of a
// block's products, one block after the other; a recurrence of S steps rounds its state S times.
double rounding_bound(const Plan& plan, std::size_t S);

// The same where products with more than a few rows round these (linear_rounds_x(),
// quantized_linear_rounds_x()): each of four in a block and the head changes its input by at most
// 2^-8 of each element with bfloat16 weights, and by at most 1/254 of the largest of its group, so
// sqrt(group) / 254 of the group's length, with quantised ones; and roundings that know nothing of
// each other add as their squares do.
double bfloat16_bound(const Plan& plan, std::size_t S);
double quantised_bound(const Plan& plan, std::size_t S, std::size_t largest_group);

// The same where every activation is bfloat16: a block rounds the stream or what is added to it
// thirteen times at most, each time by at most 2^-8 of it, and the recurrence carries what q, k and
// v were rounded by.
double bfloat16_activations_bound(const Plan& plan);

}  // namespace xlstm::testing
