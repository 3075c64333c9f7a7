// Cases of the sLSTM cell as data: shapes named after the model that has them, inputs, the float64
// truth and how far float32 may be from it. Used for every path: SIMD, the backends' definitions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "xlstm/kernels/slstm_scan/slstm_scan_args.h"

namespace xlstm::testing {

struct SlstmCase {
  std::string name;
  std::size_t B, S, NH, DH;
  bool fresh = false;     // start from zeros instead of a state that other tokens left
  bool bf16 = false;      // R
  float feedback = 0.2F;  // what the recurrence adds to a pre-activation at most, times 2
};

std::vector<SlstmCase> slstm_cases();

struct SlstmState {
  std::vector<float> y, c, n, m;  // [B, NH, DH] each
};

// Layouts as in xlstm/kernels/slstm_scan/slstm_scan.h; T = B * S.
struct SlstmData {
  std::vector<float> gates_if, gates_zo;  // [T, 2, NH, DH]
  std::vector<float> R;                   // [NH, DH, 4, DH], numbers that its type has
  std::vector<float> bias;                // [NH, 4, DH]
  SlstmState state;
};
struct SlstmResult {
  std::vector<float> y;  // [T, NH, DH]
  SlstmState state;
};

SlstmData make_data(const SlstmCase& c);
// R as the case's type has it.
std::vector<std::byte> typed_R(const SlstmCase& c, const SlstmData& in);
// Rows of a state, S tokens each.
std::vector<kernels::SlstmRow> state_rows(const SlstmCase& c, SlstmState& state);
SlstmResult reference(const SlstmCase& c, const SlstmData& in);

// Bounds on |float32 - float64|, element by element, carried along the recurrence to first order
// (errors stay so small that their products do not matter), u = 2^-24:
//
//   pre-activation  sum_d |R| e_y + (DH + 4) u (sum_d |R y| + |W x| + |b|)
//   weights F, I    as exponents: e_f sigmoid(-f) + u (10 |lsig| + |l| + |l - m'| + 4), and
//                   e_i + u (|i - m'| + 4)
//   c'              F e_c + F |c| (F's) + I |z| (I's) + I e_z (1 - z^2) + 12 u (F |c| + I |z|)
//   n'              the same with 1 in place of z
//   m'              the greater of e_i and e_m + e_f + u (10 |lsig| + |l|)
//   y'              s (e_c / n + |c| e_n / n^2) + |c / n| s (1 - s) e_o + 12 u |y'|, s = sigmoid(o)
//
// An error of m alone moves c and n by a factor and y not at all: c and n are compared times
// exp(m - the true m).
SlstmResult bounds(const SlstmCase& c, const SlstmData& in);

// "" when every element of `got` is within the bound of `truth`, else what and where the worst is.
std::string compare(const SlstmResult& got, const SlstmResult& truth, const SlstmResult& bound);

}  // namespace xlstm::testing
