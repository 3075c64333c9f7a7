#include "xlstm/base/input_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <string>
#include <utility>

#include "tests/support/child_process.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace xlstm {
namespace {

std::string part_of(const InputFile& file, std::uint64_t offset, std::size_t size) {
  std::string text(size, '?');
  file.read(offset, std::as_writable_bytes(std::span(text)));
  return text;
}

TEST(InputFile, ReadsAnyPart) {
  const TemporaryFolder folder;
  const std::string content("a\0b\xff", 4);
  const InputFile file(folder.file("x", content));
  EXPECT_EQ(file.size(), 4U);
  EXPECT_EQ(file.path(), folder / "x");
  EXPECT_EQ(part_of(file, 0, 4), content);
  EXPECT_EQ(part_of(file, 1, 2), content.substr(1, 2));
  EXPECT_EQ(part_of(file, 4, 0), "");
  EXPECT_EQ(whole_file(folder / "x"), content);
}

TEST(InputFile, AnEmptyFileHasNoBytes) {
  const TemporaryFolder folder;
  EXPECT_EQ(InputFile(folder.file("x", "")).size(), 0U);
  EXPECT_EQ(whole_file(folder / "x"), "");
}

TEST(InputFile, MovesAndOutlivesTheFilesName) {
  const TemporaryFolder folder;
  InputFile first(folder.file("x", "hello"));
  InputFile second(std::move(first));
  EXPECT_EQ(part_of(second, 0, 5), "hello");
  InputFile third(folder.file("y", "other"));
  third = std::move(second);
  std::filesystem::remove(folder / "x");
  EXPECT_EQ(part_of(third, 1, 4), "ello");
}

TEST(InputFile, OneThatIsCutShortMeanwhileIsAnErrorThatNamesIt) {
  const TemporaryFolder folder;
  const InputFile file(folder.file("weights", std::string(100'000, 'x')));
  std::filesystem::resize_file(folder / "weights", 5000);
  EXPECT_EQ(part_of(file, 4000, 1000), std::string(1000, 'x'));
  expect_error(ErrorKind::kFile, {(folder / "weights").string(), "wanted the 100000 bytes", "5000"},
               [&] { part_of(file, 4000, 1001); });
  expect_error(ErrorKind::kFile, {(folder / "weights").string(), "cut short"},
               [&] { part_of(file, 99'999, 1); });
}

TEST(InputFile, OneThatTheSystemCannotReadIsAnErrorThatNamesIt) {
  // A process's own memory is a regular file for Linux, and nothing lies at its start.
  if (!std::filesystem::exists("/proc/self/mem")) return;
  const InputFile file("/proc/self/mem");
  expect_error(ErrorKind::kFile, {"[/proc/self/mem] cannot read: ", std::strerror(EIO)},
               [&] { part_of(file, 0, 1); });
}

TEST(InputFile, TextsHaveALimit) {
  const TemporaryFolder folder;
  const auto path = folder.file("x", "hello");
  EXPECT_EQ(whole_file(path, 5), "hello");
  expect_error(ErrorKind::kFormat, {path.string(), "at most 4 bytes", "got 5"},
               [&] { whole_file(path, 4); });
}

TEST(InputFile, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  expect_error(ErrorKind::kFile, {"none", std::strerror(ENOENT)},
               [&] { InputFile(folder / "none"); });
  expect_error(ErrorKind::kFile, {"wanted a file", "a folder"}, [&] { InputFile(folder.path()); });
  expect_error(ErrorKind::kFile, {"/dev/null", "a device"}, [] { InputFile("/dev/null"); });
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_error(ErrorKind::kFile, {"pipe", "wanted a file"}, [&] { InputFile(folder / "pipe"); });
}

TEST(InputFile, RefusesAFileThatMayNotBeRead) {
  const TemporaryFolder folder;
  const auto path = folder.file("x", "secret");
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(path, std::filesystem::perms::none);
  EXPECT_TRUE(is_denied([&] { InputFile{path}; }));
}

}  // namespace
}  // namespace xlstm
