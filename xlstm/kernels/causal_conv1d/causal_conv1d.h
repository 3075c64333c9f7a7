// A convolution over time, of each channel by itself, that sees a token and those before it.
//
//   y_t[c] = bias[c] + sum over j of W[j][c] x_(t-K+1+j)[c]
#pragma once

#include <cstddef>

#include "xlstm/base/thread_pool.h"

namespace xlstm::kernels {

// One sequence: the K - 1 inputs before its first token, and which of the call's tokens are its
// own.
struct ConvRow {
  float* window;           // [K - 1, C], moved on by `tokens`
  std::size_t first = 0;   // token
  std::size_t tokens = 0;  // of the sequence, one behind the other
};

struct CausalConvArgs {
  std::size_t B = 0;  // sequences
  std::size_t C = 0;  // channels
  std::size_t K = 0;  // taps, at least 1; the last is for the token itself
};

// float32; T: tokens of all sequences.
struct CausalConvTensors {
  const float* x;       // [T, C]
  const float* W;       // [K, C]
  const float* bias;    // [C]
  const ConvRow* rows;  // [B], whose windows overlap neither each other nor anything else
  float* y;             // [T, C], which overlaps nothing else
};

// Error of each y: eps (K + 1) (|bias| + sum_j |W x|), eps = 2^-24. The sum begins with the bias
// and runs over j in its order: the result depends on neither the number of threads, nor on the
// other sequences, nor on how one is cut into calls.
void causal_conv1d(ThreadPool& pool, const CausalConvArgs& args, const CausalConvTensors& t);

// The same in float64, rounded once: the truth in tests.
void causal_conv1d_reference(const CausalConvArgs& args, const CausalConvTensors& t);

}  // namespace xlstm::kernels
