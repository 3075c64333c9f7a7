#include "xlstm/base/scratch.h"

#include "xlstm/base/error.h"
#include "xlstm/base/large_pages.h"

namespace xlstm {
namespace {

constexpr std::size_t kAlignment = 128;

}  // namespace

std::byte* Scratch::bytes(std::size_t count, std::string_view where) {
  if (size_ >= count) return memory_.get();
  memory_.reset();
  size_ = 0;
  const std::size_t large = large_page_bytes();
  const bool fills_large = large > 0 && count >= large;
  const std::align_val_t alignment{fills_large ? large : kAlignment};
  auto* memory = static_cast<std::byte*>(::operator new(count, alignment, std::nothrow));
  if (memory == nullptr) {
    fail_wanted(ErrorKind::kMemory, where, str(count, " bytes of memory"), "none");
  }
  memory_ = {memory, Free{alignment}};
  if (fills_large) prefer_large_pages({memory, count});
  size_ = count;
  return memory;
}

float* Scratch::floats(std::size_t count, std::string_view where) {
  return reinterpret_cast<float*>(bytes(count * sizeof(float), where));
}

}  // namespace xlstm
