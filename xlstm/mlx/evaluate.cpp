#include "xlstm/mlx/evaluate.h"

#include <exception>
#include <new>
#include <string>
#include <system_error>

#include "mlx/transforms.h"
#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"

namespace xlstm::mlx {
namespace {

// Threads that cannot be started come as a std::system_error; what was thrown on MLX's threads has
// become a text.
bool is_about_memory(const std::exception& error) {
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

void rethrow_as_error() {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    if (is_about_memory(error)) {
      fail_wanted(ErrorKind::kMemory, "memory", "enough for this computation", error.what());
    }
    fail(ErrorKind::kInternal, "MLX", error.what());
  }
}

void evaluate(std::vector<mx::array> arrays) {
  translate_errors([&] { mx::eval(std::move(arrays)); });
}

void evaluate_async(std::vector<mx::array> arrays) {
  translate_errors([&] { mx::async_eval(std::move(arrays)); });
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

}  // namespace xlstm::mlx
