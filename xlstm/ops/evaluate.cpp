#include "xlstm/ops/evaluate.h"

#include <mutex>
#include <new>
#include <string>
#include <system_error>

#include "mlx/transforms.h"
#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"

namespace xlstm::ops {
namespace {

struct Kept {
  std::mutex mutex;
  std::exception_ptr error;

  std::exception_ptr take() {
    const std::lock_guard lock(mutex);
    return std::exchange(error, nullptr);
  }
};

// Never destroyed: MLX's threads outlive main().
Kept& kept() {
  static Kept& the_kept = *new Kept;
  return the_kept;
}

// Threads that cannot be started are told as a std::system_error; what an op of MLX's own threw on
// its thread has become a text.
bool speaks_of_memory(const std::exception& error) {
  const auto* system = dynamic_cast<const std::system_error*>(&error);
  if (system != nullptr) {
    return system->code() == std::errc::resource_unavailable_try_again ||
           system->code() == std::errc::not_enough_memory;
  }
  const std::string_view what = error.what();
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr || what == "std::bad_alloc" ||
         what.find("malloc") != std::string_view::npos;
}

}  // namespace

void keep_kernel_error(std::exception_ptr error) noexcept {
  const std::lock_guard lock(kept().mutex);
  if (kept().error == nullptr) kept().error = std::move(error);
}

void forget_kernel_error() noexcept {
  kept().take();
}

void throw_kernel_error() {
  if (const std::exception_ptr error = kept().take()) std::rethrow_exception(error);
}

void rethrow_as_ours() {
  try {
    const std::exception_ptr first = kept().take();  // came before whatever MLX says now
    if (first != nullptr) std::rethrow_exception(first);
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    if (speaks_of_memory(error)) {
      fail_wanted(ErrorKind::kMemory, "memory", "enough for this computation", error.what());
    }
    fail(ErrorKind::kInternal, "MLX", error.what());
  }
}

void evaluate(std::vector<mx::array> arrays) {
  with_our_errors([&] {
    mx::eval(std::move(arrays));
    return 0;
  });
}

void evaluate_later(std::vector<mx::array> arrays) {
  with_our_errors([&] {
    mx::async_eval(std::move(arrays));
    return 0;
  });
}

void settle() noexcept {
  try {
    mx::synchronize();
  } catch (...) {  // what failed there is of no interest any more
  }
}

mx::allocator::Data allocate(std::size_t bytes, std::string_view where) {
  std::string got = "none left";
  try {
    mx::allocator::Data data = mx::allocator::malloc(bytes);
    if (bytes == 0 || data.buffer().raw_ptr() != nullptr) return data;
  } catch (const std::exception& error) {
    got = error.what();
  }
  fail_wanted(ErrorKind::kMemory, where, str(human_bytes(bytes), " (", bytes, " bytes)"), got);
}

}  // namespace xlstm::ops
