#include "xlstm/base/cgroup_linux.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace xlstm::cgroup {
namespace {

using Folders = std::vector<std::string>;

Folders folders_of(const std::vector<Group>& groups, const TemporaryFolder& root, int version) {
  Folders out;
  for (const Group& group : groups) {
    EXPECT_EQ(group.version, version);
    out.push_back(std::filesystem::relative(group.folder, root.path()).string());
  }
  return out;
}

TEST(Cgroup, Version2GoesOutwardToTheMount) {
  const TemporaryFolder root;
  std::filesystem::create_directories(root / "m/a/b");
  const std::string list = root.file("list", "0::/a/b\n").string();
  const auto found = groups("memory", list, (root / "m").string());
  EXPECT_EQ(folders_of(found, root, 2), (Folders{"m/a/b", "m/a", "m"}));
}

TEST(Cgroup, Version1HasAFolderAController) {
  const TemporaryFolder root;
  std::filesystem::create_directories(root / "m/memory/a");
  std::filesystem::create_directories(root / "m/cpu/c");
  const std::string list =
      root.file("list", "12:cpuset:/x\n4:memory:/a\n3:cpu,cpuacct:/c\nnonsense\n").string();
  const std::string mount = (root / "m").string();
  EXPECT_EQ(folders_of(groups("memory", list, mount), root, 1),
            (Folders{"m/memory/a", "m/memory"}));
  EXPECT_EQ(folders_of(groups("cpu", list, mount), root, 1), (Folders{"m/cpu/c", "m/cpu"}));
}

TEST(Cgroup, FoldersThatOnlyTheHostSeesAreLeftOut) {
  const TemporaryFolder root;
  std::filesystem::create_directories(root / "m");
  const std::string list = root.file("list", "0::/docker/0123\n").string();
  EXPECT_EQ(folders_of(groups("memory", list, (root / "m").string()), root, 2), Folders{"m"});
  EXPECT_TRUE(groups("memory", (root / "none").string(), (root / "m").string()).empty());
}

TEST(Cgroup, ReadsNumbersAndFields) {
  const TemporaryFolder root;
  const Group group{root.path().string(), 2};
  root.file("limit", "8589934592\n");
  root.file("open", "max\n");
  root.file("quota", "200000 100000\n");
  root.file("negative", "-1\n");
  root.file("stat", "anon 5\ninactive_file 77\nactive_file 8\n");
  EXPECT_EQ(number(group, "limit"), 8589934592U);
  EXPECT_EQ(number(group, "open"), std::nullopt);
  EXPECT_EQ(number(group, "quota"), std::nullopt);
  EXPECT_EQ(number(group, "negative"), std::nullopt);
  EXPECT_EQ(number(group, "none"), std::nullopt);
  EXPECT_EQ(line(group, "quota"), "200000 100000");
  EXPECT_EQ(field(group, "stat", "active_file"), 8U);
  EXPECT_EQ(field(group, "stat", "inactive_file"), 77U);
  EXPECT_EQ(field(group, "stat", "other"), 0U);
}

}  // namespace
}  // namespace xlstm::cgroup
