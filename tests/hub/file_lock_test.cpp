#include "xlstm/hub/file_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <memory>

#include "tests/support/child_process.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace xlstm {
namespace {

struct Waited {};

TEST(FileLockTest, OneAtATime) {
  const TemporaryFolder folder;
  auto first = std::make_unique<FileLock>(folder / "a.lock", [] { throw Waited(); });
  EXPECT_THROW(FileLock(folder / "a.lock", [] { throw Waited(); }), Waited);
  EXPECT_FALSE(FileLock::try_lock(folder / "a.lock"));
  EXPECT_TRUE(FileLock::try_lock(folder / "b.lock"));
  int waits = 0;
  const FileLock second(folder / "a.lock", [&] {
    if (++waits == 3) first.reset();
  });
  EXPECT_EQ(waits, 3);
}

// As Python's filelock takes it.
TEST(FileLockTest, IsTheLockOfFlock) {
  const TemporaryFolder folder;
  const auto other_has_it = [&] {
    const int descriptor = ::open((folder / "a.lock").c_str(), O_RDWR | O_CREAT, 0644);
    return ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : 1;
  };
  {
    const FileLock lock(folder / "a.lock", [] { throw Waited(); });
    EXPECT_EQ(wait_for(start_child(other_has_it)), 1);
  }
  EXPECT_EQ(wait_for(start_child(other_has_it)), 0);  // and goes with its process
  EXPECT_TRUE(FileLock::try_lock(folder / "a.lock"));
}

TEST(FileLockTest, OfAFileThatWasRemovedIsNone) {
  const TemporaryFolder folder;
  const FileLock gone(folder / "a.lock", [] { throw Waited(); });
  std::filesystem::remove(folder / "a.lock");
  const FileLock lock(folder / "a.lock", [] { throw Waited(); });
  EXPECT_FALSE(FileLock::try_lock(folder / "a.lock"));
}

TEST(FileLockTest, NoFolder) {
  const TemporaryFolder folder;
  expect_error(ErrorKind::kFile, {"none/a.lock"},
               [&] { FileLock(folder / "none/a.lock", [] { throw Waited(); }); });
}

}  // namespace
}  // namespace xlstm
