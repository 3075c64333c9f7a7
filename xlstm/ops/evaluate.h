// Where lazy arrays become numbers. MLX runs kernels on threads of its own and keeps only the text
// of what they throw; here errors come out as they were thrown.
#pragma once

#include <exception>
#include <string_view>
#include <utility>
#include <vector>

#include "mlx/allocator.h"
#include "mlx/array.h"

namespace xlstm::ops {

namespace mx = mlx::core;

// mx::eval and mx::async_eval. Throw xlstm::Error only: what a kernel threw, with its kind;
// kMemory where memory or threads ran out; kInternal for what MLX itself has to say.
void evaluate(std::vector<mx::array> arrays);
void evaluate_later(std::vector<mx::array> arrays);

// Waits for all that is queued, whatever becomes of it, and for MLX's thread to let go of its
// arrays: for destructors, as neither may go on while the process ends.
void settle() noexcept;

// Memory for an array. Throws Error(kMemory) where MLX would hand out a null pointer; `where` says
// what it is for.
mx::allocator::Data allocate(std::size_t bytes, std::string_view where);

// Keeps the first error of a kernel until somebody asks for it.
void keep_kernel_error(std::exception_ptr error) noexcept;
void throw_kernel_error();            // if there is one, which is then forgotten
void forget_kernel_error() noexcept;  // of a run whose results nobody wants

// Called while an exception is being handled: throws the Error that evaluate() would.
[[noreturn]] void rethrow_as_ours();

// Runs `call`, which uses MLX and nothing of the caller's, with the errors of evaluate().
template <typename Call>
auto with_our_errors(Call&& call) {
  try {
    auto result = std::forward<Call>(call)();
    throw_kernel_error();
    return result;
  } catch (...) {
    rethrow_as_ours();
  }
}

}  // namespace xlstm::ops
