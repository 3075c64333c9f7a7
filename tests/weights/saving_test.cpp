// Saving where it cannot work, and in two processes at once.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/expect_error.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm {
namespace {

using Names = std::vector<std::string>;

// Saves one tensor of `size` bytes `fill`.
void save(const std::filesystem::path& path, std::size_t size, char fill) {
  const std::string content(size, fill);
  const auto length = static_cast<std::int64_t>(size);
  write_safetensors(path,
                    {{"t", DType::kU8, {length}, std::as_bytes(std::span(content.data(), size))}},
                    {{"fill", std::string(1, fill)}});
}

// Expects a whole file as save() writes it; returns its fill.
char fill_of(const std::filesystem::path& path) {
  const auto source = open_safetensors(path);
  const char fill = source->metadata().at("fill").at(0);
  for (const std::byte byte : source->read_all(0)) {
    if (byte != static_cast<std::byte>(fill)) return '?';
  }
  return fill;
}

TEST(Saving, AFullDiskLeavesTheOldFile) {
  const TemporaryFolder folder;
  save(folder / "s", 100, 'a');
  {
    const FileSizeLimit limit(50'000);
    expect_error(ErrorKind::kFile, {(folder / "s").string(), "cannot write", std::strerror(EFBIG)},
                 [&] { save(folder / "s", 100'000, 'b'); });
  }
  EXPECT_EQ(fill_of(folder / "s"), 'a');
  EXPECT_EQ(folder.names(), Names{"s"});
  save(folder / "s", 100'000, 'b');
  EXPECT_EQ(fill_of(folder / "s"), 'b');
}

TEST(Saving, AReadOnlyFolderIsSaidSo) {
  const TemporaryFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
  const pid_t child = start_child([&] {
    if (!drop_superuser()) return 2;
    try {
      save(folder / "s", 10, 'a');
      return 3;
    } catch (const Error& error) {
      const bool says = std::string(error.what()).find(std::strerror(EACCES)) != std::string::npos;
      return error.kind() == ErrorKind::kFile && says ? 0 : 4;
    }
  });
  EXPECT_EQ(wait_for(child), 0);
  EXPECT_TRUE(folder.names().empty());
}

TEST(Saving, AMissingFolderIsSaidSo) {
  const TemporaryFolder folder;
  expect_error(ErrorKind::kFile, {"none/s", std::strerror(ENOENT)},
               [&] { save(folder / "none/s", 10, 'a'); });
}

TEST(Saving, TwoProcessesLeaveOneWholeFile) {
  const TemporaryFolder folder;
  save(folder / "s", 10, 'a');
  const auto writer = [&](std::size_t size, char fill) {
    return start_child([&folder, size, fill] {
      for (int time = 0; time < 30; ++time) save(folder / "s", size, fill);
      return 0;
    });
  };
  const pid_t first = writer(300'000, 'a'), second = writer(200'000, 'b');
  for (int look = 0; look < 60; ++look) {
    const char seen = fill_of(folder / "s");
    EXPECT_TRUE(seen == 'a' || seen == 'b') << seen;
  }
  EXPECT_EQ(wait_for(first), 0);
  EXPECT_EQ(wait_for(second), 0);
  EXPECT_EQ(folder.names(), Names{"s"});
  const char last = fill_of(folder / "s");
  EXPECT_TRUE(last == 'a' || last == 'b') << last;
}

TEST(Saving, AnOpenFileKeepsItsBytesWhenAnotherTakesItsName) {
  const TemporaryFolder folder;
  save(folder / "s", 100'000, 'a');
  const auto open = open_safetensors(folder / "s");
  save(folder / "s", 10, 'b');
  EXPECT_EQ(open->read_all(0), std::vector<std::byte>(100'000, static_cast<std::byte>('a')));
}

}  // namespace
}  // namespace xlstm
