#include "xlstm/base/large_pages.h"

namespace xlstm {

// macOS chooses the pages of anonymous memory itself.
std::size_t large_page_bytes() {
  return 0;
}

void prefer_large_pages(std::span<const std::byte> /*memory*/) {}

}  // namespace xlstm
