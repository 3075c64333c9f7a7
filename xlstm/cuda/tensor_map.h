// Descriptions of matrices for the GPU's copies of tensors.
#pragma once

#include <cstdint>

#include "xlstm/cuda/device.h"
#include "xlstm/cuda/kernels/args.h"

namespace xlstm::cuda {

// A matrix [rows, row_bytes] of bytes, and the boxes that are copied of it. Rows begin at multiples
// of 16 bytes; what lies outside is copied as zeros.
struct BoxedMatrix {
  const void* from = nullptr;
  std::int64_t rows = 0, row_bytes = 0;
  int box_rows = 0, box_bytes = 128;
  // More than none: a box has so many pieces of box_bytes, whose number is the third coordinate.
  int pieces = 0;
  // Whether units of 16 bytes change places by the row's number (box_bytes: 128).
  bool swizzled = true;
};
TensorMap tensor_map(const Device& device, const BoxedMatrix& matrix);

}  // namespace xlstm::cuda
