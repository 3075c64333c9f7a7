#include "xlstm/base/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "tests/support/child_process.h"
#include "tests/support/expect_error.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temporary_folder.h"

namespace xlstm {
namespace {

using Names = std::vector<std::string>;

TEST(AtomicFile, CommitMakesTheFileAppearWhole) {
  const TemporaryFolder folder;
  AtomicFile file(folder / "a.txt");
  file.write("one ");
  file.write(std::as_bytes(std::span("two", 3)));
  EXPECT_FALSE(std::filesystem::exists(folder / "a.txt"));
  file.commit();
  EXPECT_EQ(content_of(folder / "a.txt"), "one two");
  EXPECT_EQ(folder.names(), Names{"a.txt"});
}

TEST(AtomicFile, WithoutCommitTheOldFileStays) {
  const TemporaryFolder folder;
  const auto path = folder.file("a.txt", "old");
  { AtomicFile(path).write("new"); }
  EXPECT_EQ(content_of(path), "old");
  EXPECT_EQ(folder.names(), Names{"a.txt"});
}

TEST(AtomicFile, TheLaterCommitWins) {
  const TemporaryFolder folder;
  AtomicFile first(folder / "a"), second(folder / "a");
  first.write("first");
  second.write("second");
  second.commit();
  first.commit();
  EXPECT_EQ(content_of(folder / "a"), "first");
  EXPECT_EQ(folder.names(), Names{"a"});
}

TEST(AtomicFile, WritesNothingAndMuch) {
  const TemporaryFolder folder;
  AtomicFile empty(folder / "empty");
  empty.commit();
  EXPECT_EQ(content_of(folder / "empty"), "");

  std::string much(3 << 20, '\0');
  for (std::size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>(i * i >> 7);
  AtomicFile file(folder / "much");
  file.write(much);
  file.commit();
  EXPECT_EQ(content_of(folder / "much"), much);
}

TEST(AtomicFile, WorksInTheCurrentFolderAndWithTheLongestName) {
  const TemporaryFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const std::string longest(255, 'x');
  AtomicFile file(longest);
  file.write("here");
  file.commit();
  std::filesystem::current_path(before);
  EXPECT_EQ(content_of(folder / longest), "here");
}

TEST(AtomicFile, NamesOfOpenDescriptorsAreNoFiles) {
  const TemporaryFolder folder;
  const auto path = folder.file("open", "old");
  const int open = ::open(path.c_str(), O_WRONLY);
  ASSERT_GE(open, 0);
  const std::string number = std::to_string(open);
  std::filesystem::create_symlink("/dev/fd/" + number, folder / "one");
  std::filesystem::create_symlink("one", folder / "two");
  for (const std::string& name : {"/dev/fd/" + number, (folder / "two").string()}) {
    expect_error(ErrorKind::kFile, {name, "wanted a file to write", "a stream that is open"},
                 [&] { AtomicFile{name}; });
  }
  ::close(open);
  EXPECT_EQ(content_of(path), "old");
}

unsigned mode_of(const std::filesystem::path& path) {
  return static_cast<unsigned>(std::filesystem::status(path).permissions());
}

TEST(AtomicFile, AFileThatWasThereKeepsItsPermissions) {
  const TemporaryFolder folder;
  for (const unsigned mode : {0600U, 0640U, 0666U, 0644U}) {
    const auto path = folder.file("a", "old");
    std::filesystem::permissions(path, std::filesystem::perms(mode));
    AtomicFile file(path);
    file.write("new");
    for (const std::string& name : folder.names()) EXPECT_EQ(mode_of(folder / name), mode);
    file.commit();
    EXPECT_EQ(mode_of(path), mode);
    EXPECT_EQ(content_of(path), "new");
  }
}

TEST(AtomicFile, ALinkStaysAndItsTargetIsReplaced) {
  const TemporaryFolder folder;
  const auto target = folder.file("target", "old");
  std::filesystem::permissions(target, std::filesystem::perms(0600));
  std::filesystem::create_symlink("target", folder / "second");
  std::filesystem::create_symlink(folder / "second", folder / "first");
  AtomicFile file(folder / "first");
  file.write("new");
  EXPECT_EQ(content_of(target), "old");
  file.commit();
  EXPECT_EQ(content_of(target), "new");
  EXPECT_EQ(mode_of(target), 0600U);
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "first"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "second"));
  EXPECT_EQ(folder.names(), (Names{"first", "second", "target"}));
}

TEST(AtomicFile, ALinkToNothingYetMakesItsTarget) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("later", folder / "link");
  AtomicFile file(folder / "link");
  file.write("new");
  file.commit();
  EXPECT_EQ(content_of(folder / "later"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
}

TEST(AtomicFile, RefusesLinksInACircleAndWhatIsNoFile) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("b", folder / "a");
  std::filesystem::create_symlink("a", folder / "b");
  expect_error(ErrorKind::kFile, {"links", std::strerror(ELOOP)},
               [&] { AtomicFile(folder / "a"); });
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::filesystem::create_symlink("pipe", folder / "to-pipe");
  for (const char* name : {"pipe", "to-pipe"}) {
    expect_error(ErrorKind::kFile, {name, "wanted a file to write", "a pipe"},
                 [&] { AtomicFile(folder / name); });
  }
  expect_error(ErrorKind::kFile, {"/dev/null", "a device"}, [&] { AtomicFile("/dev/null"); });
}

TEST(AtomicFile, RefusesAFileThatMayNotBeWritten) {
  const TemporaryFolder folder;
  const auto path = folder.file("a", "old");
  std::filesystem::permissions(path, std::filesystem::perms(0444));
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0777));
  const pid_t child = start_child([&] {
    if (!drop_superuser()) return 2;
    try {
      AtomicFile file(path);
      return 3;
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kFile ? 0 : 4;
    }
  });
  EXPECT_EQ(wait_for(child), 0);
  EXPECT_EQ(content_of(path), "old");
}

TEST(AtomicFile, AFullDiskIsSaidInTheSystemsWordsAndLeavesNothing) {
  const TemporaryFolder folder;
  const auto path = folder.file("state", "old");
  AtomicFile file(path);
  {
    const FileSizeLimit limit(4096);
    expect_error(ErrorKind::kFile, {path.string(), "cannot write", std::strerror(EFBIG)},
                 [&] { file.write(std::string(10000, 'x')); });
  }
  EXPECT_EQ(folder.names(), Names{"state"});
  expect_error(ErrorKind::kInternal, {path.string()}, [&] { file.commit(); });
  expect_error(ErrorKind::kInternal, {path.string()}, [&] { file.write("more"); });
  EXPECT_EQ(content_of(path), "old");
}

TEST(AtomicFile, RefusesAMissingFolderAFolderAndAFileAsFolder) {
  const TemporaryFolder folder;
  folder.file("file", "");
  expect_error(ErrorKind::kFile, {"none/a", std::strerror(ENOENT)},
               [&] { AtomicFile(folder / "none/a"); });
  expect_error(ErrorKind::kFile, {"wanted a file", "a folder"}, [&] { AtomicFile(folder.path()); });
  expect_error(ErrorKind::kFile, {"file/a", std::strerror(ENOTDIR)},
               [&] { AtomicFile(folder / "file/a"); });
}

TEST(AtomicFile, RefusesAFolderThatMayNotBeWritten) {
  const TemporaryFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
  const pid_t child = start_child([&] {
    if (!drop_superuser()) return 2;
    try {
      AtomicFile(folder / "a");
      return 3;
    } catch (const Error& error) {
      const bool says = std::string(error.what()).find(std::strerror(EACCES)) != std::string::npos;
      return error.kind() == ErrorKind::kFile && says ? 0 : 4;
    }
  });
  EXPECT_EQ(wait_for(child), 0);
  EXPECT_EQ(folder.names(), Names{});
}

TEST(AtomicFile, AProcessKilledBeforeCommitChangesNothing) {
  const TemporaryFolder folder;
  const auto path = folder.file("a", "old");
  const pid_t child = start_child([&] {
    AtomicFile file(path);
    file.write(std::string(1 << 20, 'x'));
    return ::raise(SIGKILL);
  });
  EXPECT_EQ(wait_for(child), -SIGKILL);
  EXPECT_EQ(content_of(path), "old");
}

TEST(AtomicFile, ReadersOfAFileThatTwoProcessesWriteSeeItWhole) {
  const TemporaryFolder folder;
  const auto path = folder / "a";
  constexpr int kTimes = 40;
  const std::string contents[2] = {std::string(200'000, 'a'), std::string(100'000, 'b')};
  pid_t writers[2];
  for (int i = 0; i < 2; ++i) {
    writers[i] = start_child([&] {
      for (int time = 0; time < kTimes; ++time) {
        AtomicFile file(path);
        for (std::size_t at = 0; at < contents[i].size(); at += 10'000) {
          file.write(std::string_view(contents[i]).substr(at, 10'000));
        }
        file.commit();
      }
      return 0;
    });
  }
  for (int look = 0; look < 100; ++look) {
    const std::string seen = content_of(path);  // empty before the first commit
    EXPECT_TRUE(seen.empty() || seen == contents[0] || seen == contents[1]);
  }
  for (const pid_t writer : writers) EXPECT_EQ(wait_for(writer), 0);
  const std::string left = content_of(path);
  EXPECT_TRUE(left == contents[0] || left == contents[1]);
  EXPECT_EQ(folder.names(), Names{"a"});
}

TEST(AtomicFile, ANameThatIsTooLongIsRefusedAtOnce) {
  const TemporaryFolder folder;
  expect_error(ErrorKind::kFile, {std::strerror(ENAMETOOLONG)},
               [&] { AtomicFile(folder / std::string(1000, 'x')); });
  EXPECT_EQ(folder.names(), Names{});
}

TEST(AtomicFile, DoesNotReplaceWhatAStandardStreamIs) {
  const TemporaryFolder folder;
  const auto path = folder.file("a.txt", "old");
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const pid_t child = start_child([&] {
      const int descriptor = ::open(path.c_str(), O_RDWR);
      if (::dup2(descriptor, number) != number) return 2;
      try {
        AtomicFile file(path);
        return 3;
      } catch (const Error& error) {
        return std::string(error.what()).find("open already") != std::string::npos ? 0 : 4;
      }
    });
    EXPECT_EQ(wait_for(child), 0) << number;
  }
}

}  // namespace
}  // namespace xlstm
