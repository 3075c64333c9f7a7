// Where lazy arrays become numbers, with our errors.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "mlx/allocator.h"
#include "mlx/array.h"

namespace xlstm::mlx {

namespace mx = ::mlx::core;

// Called while an exception is being handled: throws Error: itself where it is one; kMemory where
// memory or threads ran out; kInternal for what MLX itself has to say.
[[noreturn]] void rethrow_as_error();

// Runs `call`, which uses MLX, with these errors.
template <typename Call>
auto translate_errors(Call&& call) {
  try {
    return std::forward<Call>(call)();
  } catch (...) {
    rethrow_as_error();
  }
}

void evaluate(std::vector<mx::array> arrays);
void evaluate_async(std::vector<mx::array> arrays);

// Memory for an array. Throws Error(kMemory) where MLX would hand out a null pointer; `where` says
// what it is for.
mx::allocator::Data allocate(std::size_t bytes, std::string_view where);

}  // namespace xlstm::mlx
