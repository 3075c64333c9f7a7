#include "xlstm/base/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <string>
#include <utility>

#include "tests/base/child_process.h"
#include "tests/base/expect_error.h"
#include "tests/base/temporary_folder.h"

namespace xlstm {
namespace {

TEST(MappedFile, ShowsTheBytes) {
  const TemporaryFolder folder;
  const std::string content("a\0b\xff", 4);
  const MappedFile file(folder.file("x", content));
  EXPECT_EQ(file.text(), content);
  EXPECT_EQ(file.bytes().size(), 4U);
  EXPECT_EQ(file.bytes()[3], std::byte{0xff});
  EXPECT_EQ(file.path(), folder / "x");
}

TEST(MappedFile, AnEmptyFileHasNoBytes) {
  const TemporaryFolder folder;
  const MappedFile file(folder.file("x", ""));
  EXPECT_TRUE(file.bytes().empty());
  EXPECT_EQ(file.text(), "");
  file.release(file.bytes());
}

TEST(MappedFile, MovesAndOutlivesTheFilesName) {
  const TemporaryFolder folder;
  MappedFile first(folder.file("x", "hello"));
  MappedFile second(std::move(first));
  EXPECT_EQ(second.text(), "hello");
  MappedFile third(folder.file("y", "other"));
  third = std::move(second);
  std::filesystem::remove(folder / "x");
  EXPECT_EQ(third.text(), "hello");
}

TEST(MappedFile, ReleasedBytesCanBeReadAgain) {
  const TemporaryFolder folder;
  std::string content(100'001, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i % 251);
  const MappedFile file(folder.file("x", content));
  for (const auto& [begin, size] : {std::pair<std::size_t, std::size_t>{0, 100'001},
                                    {1, 100'000},
                                    {4095, 2},
                                    {4096, 4096},
                                    {100'000, 1},
                                    {7, 0}}) {
    file.release(file.bytes().subspan(begin, size));
    EXPECT_EQ(file.text(), content) << begin << ' ' << size;
  }
}

TEST(MappedFile, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  expect_error(ErrorKind::kFile, {"none", std::strerror(ENOENT)},
               [&] { MappedFile(folder / "none"); });
  expect_error(ErrorKind::kFile, {"wanted a file", "a folder"}, [&] { MappedFile(folder.path()); });
  expect_error(ErrorKind::kFile, {"/dev/null", "a device"}, [] { MappedFile("/dev/null"); });
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_error(ErrorKind::kFile, {"pipe", "wanted a file"}, [&] { MappedFile(folder / "pipe"); });
}

TEST(MappedFile, RefusesAFileThatMayNotBeRead) {
  const TemporaryFolder folder;
  const auto path = folder.file("x", "secret");
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(path, std::filesystem::perms::none);
  EXPECT_TRUE(is_denied([&] { MappedFile{path}; }));
}

}  // namespace
}  // namespace xlstm
