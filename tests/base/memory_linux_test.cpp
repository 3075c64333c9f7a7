#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/cores.h"
#include "xlstm/base/input_file.h"
#include "xlstm/base/memory.h"

namespace xlstm {
namespace {

TEST(MemoryLinux, AFileReadInPiecesIsNotResident) {
  constexpr std::size_t kBytes = 32 << 20, kPiece = 1 << 20;
  constexpr std::size_t kSlack = 2 << 20;  // a piece, and batches in which the kernel counts
  const TemporaryFolder folder;
  const InputFile file(folder.file("x", std::string(kBytes, 'x')));
  const std::uint64_t before = resident_bytes();
  std::vector<std::byte> piece(kPiece);
  for (std::size_t at = 0; at < kBytes; at += kPiece) file.read(at, piece);
  EXPECT_LE(resident_bytes(), before + kSlack);
  const std::string whole = whole_file(folder / "x");
  EXPECT_EQ(whole.back(), 'x');
  EXPECT_GE(resident_bytes() + kSlack, before + kBytes);
}

TEST(CoresLinux, FollowTheAffinityMask) {
  const pid_t child = start_child([] {
    cpu_set_t mask;
    if (::sched_getaffinity(0, sizeof mask, &mask) != 0) return 2;
    int first = 0;
    while (!CPU_ISSET(first, &mask)) ++first;
    CPU_ZERO(&mask);
    CPU_SET(first, &mask);
    if (::sched_setaffinity(0, sizeof mask, &mask) != 0) return 3;
    return usable_cores() == 1 ? 0 : 4;
  });
  EXPECT_EQ(wait_for(child), 0);
}

// Address space in use, from the second source there is (the code reads VmSize of
// /proc/self/status).
std::uint64_t mapped_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t pages = 0;
  file >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

TEST(MemoryLinux, AvailableIsWithinTheProcessesLimit) {
  const pid_t child = start_child([] {
    constexpr rlim_t kMost = rlim_t{1} << 46;  // above what a sanitizer has mapped
    constexpr std::uint64_t kLeft = 64 << 20;  // what is mapped meanwhile is within it
    rlimit limit{};
    ::getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = kMost;
    if (::setrlimit(RLIMIT_AS, &limit) != 0) return 2;
    const std::uint64_t mapped = mapped_bytes();
    if (available_memory_bytes() <= kLeft) return 3;
    limit.rlim_cur = mapped + kLeft;
    if (::setrlimit(RLIMIT_AS, &limit) != 0) return 4;
    const std::uint64_t left = available_memory_bytes();
    return left > 0 && left <= kLeft ? 0 : 5;
  });
  EXPECT_EQ(wait_for(child), 0);
}

}  // namespace
}  // namespace xlstm
