// Tokens through the sLSTM cell (Beck et al. 2024, arXiv:2405.04517, eqs. 8 to 18, stabilised). For
// each sequence and head, token after token; y is the head's last output, W x what the inputs add
// to the pre-activations, lsig the logarithm of the sigmoid:
//
//   g  = W x_g + y R_g + b_g                          for the gates g = i, f, z, o
//   l  = lsig(f) + m
//   m' = i where n = 0 (before the first token), else max(i, l)
//   I  = exp(i - m'),  F = exp(l - m')                both <= 1; F = 0 where n = 0
//   c' = F c + I tanh(z)
//   n' = max(F n + I, 1)                              >= 1 but for rounding: I or F is 1
//   y' = sigmoid(o) c' / n'
#pragma once

#include "xlstm/base/thread_pool.h"
#include "xlstm/kernels/slstm_scan/slstm_scan_args.h"

namespace xlstm::kernels {

// float32 but for R; T: tokens of all sequences.
struct SlstmScanTensors {
  const float* gates_if;  // [T, 2, NH, DH]: W x of i, then f
  const float* gates_zo;  // [T, 2, NH, DH]: of z, then o
  const void* R;          // pack_slstm_R()'s; the reference takes [NH, DH, 4, DH]
  WeightType type;        // of R: kF32 or kBF16
  const float* bias;      // [NH, 4, DH]: i, f, z, o
  const SlstmRow* rows;   // [B], whose states overlap neither each other nor anything else
  float* y;               // [T, NH, DH], which overlaps nothing else
};

// No alignment beyond an element's is needed; every size may be odd. NaN stays in the head and
// sequence that has it. The result does not depend on the number of threads, nor that of a sequence
// on the others or on how it is cut into calls. Heads and sequences are spread over threads; those
// of one token by units too.
void slstm_scan(ThreadPool& pool, const SlstmScanArgs& args, const SlstmScanTensors& t);

// Units of a head that lie together in packed R: a vector's, on this machine.
std::size_t slstm_units();

// R [NH, DH, 4, DH] -> [NH, DH / slstm_units(), DH, 4, slstm_units()], of the same type, zeros
// beyond DH: what a step of some units reads lies in one piece. The two do not overlap.
void pack_slstm_R(const void* R, WeightType type, std::size_t NH, std::size_t DH, void* packed);

// The same as slstm_scan() in float64, scalar, states rounded once at the end: the truth in tests.
void slstm_scan_reference(const SlstmScanArgs& args, const SlstmScanTensors& t);

}  // namespace xlstm::kernels
