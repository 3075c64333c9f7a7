#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <locale>
#include <string>

#include "xlstm/base/large_pages.h"

namespace xlstm {
namespace {

// Of 512 MiB (ARM with pages of 64 KiB) too much would be left over.
constexpr std::size_t kMostBytes = std::size_t{32} << 20;

}  // namespace

std::size_t large_page_bytes() {
  const std::string folder = "/sys/kernel/mm/transparent_hugepage/";
  std::ifstream enabled(folder + "enabled"), size(folder + "hpage_pmd_size");
  std::string choices;  // "always [madvise] never"
  std::getline(enabled, choices);
  if (choices.empty() || choices.find("[never]") != std::string::npos) return 0;
  std::size_t bytes = 0;
  size.imbue(std::locale::classic());
  size >> bytes;
  return bytes <= kMostBytes ? bytes : 0;
}

void prefer_large_pages(std::span<const std::byte> memory) {
  if (memory.empty()) return;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(memory.data()) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(memory.data() + memory.size());
  (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

}  // namespace xlstm
