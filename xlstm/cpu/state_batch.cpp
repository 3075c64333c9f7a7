#include "xlstm/cpu/state_batch.h"

#include <cstring>

#include "xlstm/backend/check.h"
#include "xlstm/cpu/cpu_tensor.h"

namespace xlstm::cpu {

float* CpuStates::writable(std::size_t row, std::size_t index, const TensorShape& shape,
                           std::string_view op) {
  Tensor& tensor = states_[row].at(index);
  check_shape(op, "state", tensor, shape);
  check_dtype(op, "state", tensor, DType::kF32);
  make_writable(tensor, op);
  return floats_of(tensor);
}

Tensor CpuStates::allocate(const TensorShape& shape, DType dtype, std::string_view where) {
  return {shape, dtype, workspace_->take(length(shape.elements()) * size_of(dtype), where)};
}

void CpuStates::copy(const Tensor& to, std::size_t to_byte, const Tensor& from,
                     std::size_t from_byte, std::size_t bytes) {
  std::memcpy(data_of(to) + to_byte, data_of(from) + from_byte, bytes);
}

}  // namespace xlstm::cpu
