// Cases of the mLSTM cell as data: shapes named after the model that has them, inputs, the float64
// truth and how far float32 may be from it. Used for every path: SIMD, plain MLX, benchmarks.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "xlstm/kernels/mlstm_step/mlstm_step_args.h"

namespace xlstm::testing {

struct MlstmCase {
  std::string name;
  std::size_t B, S, NH, DHQK, DHV;
  float gate_range = 15.0F;  // gates are spread over [-range, range]
  bool fresh = false;        // start from zeros instead of a random state
};

std::vector<MlstmCase> mlstm_step_cases();   // S = 1
std::vector<MlstmCase> mlstm_chunk_cases();  // S >= 1, around chunk borders
// Sizes that tensor cores multiply: DHQK and DHV of whole tiles.
std::vector<MlstmCase> mlstm_tile_cases();

// Inputs and outputs of one case; layouts as in xlstm/kernels/mlstm_chunk/mlstm_chunk.h.
struct MlstmData {
  std::vector<float> q, k, v, i, f;  // [B, S, NH, ...]
  std::vector<float> C, n, m;        // state before
};
struct MlstmResult {
  std::vector<float> h;        // [B, S, NH, DHV]
  std::vector<float> C, n, m;  // state after
};

// Pointers to the rows of a state: C [B, NH, DHQK, DHV], n [B, NH, DHQK], m [B, NH].
std::vector<kernels::MlstmStatePointers> state_rows(const MlstmCase& c, float* C, float* n,
                                                    float* m);

MlstmData make_data(const MlstmCase& c);
MlstmResult reference(const MlstmCase& c, const MlstmData& in);
MlstmResult empty_result(const MlstmCase& c);

// Bounds on |float32 - float64|, element by element. Derivation: every output is a sum of products
// of weights exp(..), so with A the same sum over absolute values the error is at most
//   eps * (terms of the sum + exponent error) * A:
// a sum of T terms in any order errs by at most T eps A; a weight exp(x) errs by |x's error|, where
// x adds up decays lf and maxima m of the tokens since the term's own, each rounded: eps * (|lf| +
// |m|) a token. The denominator's error enters h in the same way, scaled by |h|.
//
// `rounding`: the relative error of factors that are rounded for products: of the weighted v of
// each term of C, and then of C and of the scores as factors of h; not of the denominator.
MlstmResult bounds(const MlstmCase& c, const MlstmData& in, const MlstmResult& truth,
                   double rounding = 0);

// "" when every element of `got` is within the bound of `truth`, else what and where the worst is.
std::string compare(const MlstmResult& got, const MlstmResult& truth, const MlstmResult& bound);

}  // namespace xlstm::testing
