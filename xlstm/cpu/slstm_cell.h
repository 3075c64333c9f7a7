// The sLSTM cell: tokens of all rows of a batch through the kernel, which moves its states on.
#pragma once

#include "xlstm/backend/backend.h"

namespace xlstm::cpu {

// What the kernel takes in place of R [NH, DH, 4 * DH]: its units in blocks of a vector
// (kernels/slstm_scan/slstm_scan.h).
TensorShape packed_R_shape(const Tensor& R);
void pack_R(const Tensor& R, std::byte* packed);

// Backend::slstm_scan() with packed R, into y [T, NH * DH]. Throws Error(kInternal) where shapes or
// types do not fit, Error(kMemory) where a state gets no memory of its own.
void run_slstm_scan(ThreadPool& threads, const Tensor& gates_if, const Tensor& gates_zo,
                    const SlstmWeights& weights, LayerState state, const Tensor& y);

}  // namespace xlstm::cpu
