#include "xlstm/hub/cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/hub/scripted_server.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/hub/file_lock.h"
#include "xlstm/hub/repository_folder.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kOld = "1111111111111111111111111111111111111111";
const std::string kNew = "1111111222222222222222222222222222222222";

// "org/name" with two revisions that share their weights; of the newer a branch and a tag.
class Cache : public ::testing::Test {
 protected:
  Cache() {
    folder_.create();
    put(kOld, "config.json", "old");
    put(kNew, "config.json", "newer");
    put(kOld, "model.safetensors", "weights");
    put(kNew, "model.safetensors", "weights");
    folder_.set_ref("main", kNew);
    folder_.set_ref("v1", kNew);
    folder_.set_absent(kOld, "config.yaml");
  }
  void put(const std::string& commit, const std::string& name, const std::string& text) const {
    const std::string etag = git_hash(text);
    temporary_.file("models--org--name/blobs/" + etag, text);
    folder_.link(commit, name, etag);
  }
  const fs::path& cache() const { return temporary_.path(); }
  CachedRepository only() const {
    const auto all = cached_repositories(cache());
    EXPECT_THAT(all, SizeIs(1));
    return all.at(0);
  }

  const TemporaryFolder temporary_;
  const RepositoryFolder folder_{temporary_.path(), "org/name"};
};

TEST_F(Cache, IsListed) {
  temporary_.file("models--org--name/blobs/" + git_hash("x") + ".incomplete", "part");
  const CachedRepository repository = only();
  EXPECT_EQ(repository.id, "org/name");
  EXPECT_EQ(repository.bytes, 3U + 5 + 7 + 4);
  EXPECT_EQ(repository.incomplete, 4U);
  ASSERT_THAT(repository.revisions, SizeIs(2));
  EXPECT_EQ(repository.revisions[0].commit, kOld);
  EXPECT_THAT(repository.revisions[0].refs, IsEmpty());
  EXPECT_EQ(repository.revisions[0].bytes, 10U);
  EXPECT_THAT(repository.revisions[1].refs, ElementsAre("main", "v1"));
  EXPECT_EQ(repository.revisions[1].files, 2U);
}

TEST_F(Cache, WhereThereIsNoneIsEmpty) {
  EXPECT_THAT(cached_repositories(temporary_ / "none"), IsEmpty());
}

TEST_F(Cache, FilesOfOthersAreNeitherRefsNorFaults) {
  const fs::path refs = folder_.path() / "refs";
  temporary_.file("models--org--name/refs/.DS_Store", std::string(6148, '\0'));
  temporary_.file("models--org--name/refs/text", "no commit");
  ASSERT_EQ(::mkfifo((refs / "fifo").c_str(), 0600), 0);
  fs::create_symlink("nothing", refs / "dangling");
  temporary_.file("models--org--name/blobs/.DS_Store", "x");
  temporary_.file("models--org--name/snapshots/.DS_Store", "x");
  temporary_.file("models--org--name/snapshots/" + kNew + "/.DS_Store", "x");
  const CachedRepository repository = only();
  ASSERT_THAT(repository.revisions, SizeIs(2));
  EXPECT_THAT(repository.revisions[1].refs, ElementsAre("main", "v1"));
  EXPECT_EQ(repository.revisions[1].files, 2U);
  EXPECT_EQ(repository.bytes, 15U);
  EXPECT_THAT(verify_cached(repository).faults, IsEmpty());
  remove_cached(cache(), plan_removal(cache(), {"org/name", "main"}));
  EXPECT_FALSE(fs::exists(folder_.snapshot(kNew)));
  EXPECT_TRUE(fs::exists(folder_.file(kOld, "config.json")));
}

TEST_F(Cache, LosesARevisionAndWhatOnlyThatHas) {
  const CacheRemoval removal = plan_removal(cache(), {"org/name", kOld.substr(0, 8)});
  EXPECT_THAT(removal.commits, ElementsAre(kOld));
  EXPECT_FALSE(removal.whole);
  EXPECT_EQ(removal.bytes, 3U);
  remove_cached(cache(), removal);
  EXPECT_FALSE(fs::exists(folder_.blob(git_hash("old"))));
  EXPECT_FALSE(fs::exists(folder_.snapshot(kOld)));
  EXPECT_FALSE(fs::exists(folder_.path() / ".no_exist" / kOld));
  EXPECT_TRUE(fs::exists(folder_.file(kNew, "model.safetensors")));
  EXPECT_THAT(verify_cached(only()).faults, IsEmpty());
}

TEST_F(Cache, LosesABranchWithAllItsNames) {
  remove_cached(cache(), plan_removal(cache(), {"org/name", "v1"}));
  EXPECT_FALSE(fs::exists(folder_.path() / "refs/main"));
  EXPECT_FALSE(fs::exists(folder_.path() / "refs/v1"));
  EXPECT_TRUE(fs::exists(folder_.file(kOld, "model.safetensors")));
  EXPECT_TRUE(plan_removal(cache(), {"org/name", kOld}).whole);  // it is the last
}

TEST_F(Cache, LosesARepository) {
  const CacheRemoval removal = plan_removal(cache(), {"org/name", ""});
  EXPECT_TRUE(removal.whole);
  EXPECT_EQ(removal.bytes, 15U);
  remove_cached(cache(), removal);
  EXPECT_FALSE(fs::exists(folder_.path()));
  EXPECT_FALSE(fs::exists(folder_.locks()));
  EXPECT_TRUE(fs::exists(cache() / "CACHEDIR.TAG"));
}

TEST_F(Cache, NamesThatAreNotClear) {
  const auto refused = [&](const RepositoryName& name, const std::string& piece) {
    expect_error(ErrorKind::kUsage, {piece}, [&] { plan_removal(cache(), name); });
  };
  refused({"org/none", ""}, "none of that name");
  refused({"org/name", "v2"}, "none of that name");
  refused({"org/name", "1111111"}, "2 of them");
  refused({"org/name", "111111"}, "none of that name");  // too short
}

TEST_F(Cache, WhatIsWrongIsFound) {
  EXPECT_THAT(verify_cached(only()).faults, IsEmpty());
  EXPECT_EQ(verify_cached(only()).files, 3U);
  EXPECT_EQ(verify_cached(only()).bytes, 15U);
  temporary_.file("models--org--name/blobs/" + git_hash("weights"), "WEIGHTS");
  temporary_.file("models--org--name/blobs/strange", "");
  fs::remove(folder_.blob(git_hash("old")));
  const CacheCheck check = verify_cached(only());
  ASSERT_THAT(check.faults, SizeIs(3));
  EXPECT_THAT(check.faults[0].what, HasSubstr(git_hash("WEIGHTS")));
  EXPECT_THAT(check.faults[1].path.string(), HasSubstr("strange"));
  EXPECT_EQ(check.faults[2].path, folder_.file(kOld, "config.json"));
}

TEST_F(Cache, ABlobUnderALockStays) {
  const CacheRemoval removal = plan_removal(cache(), {"org/name", kOld});
  const FileLock lock(folder_.lock(git_hash("old")), [] { FAIL() << "somebody has it"; });
  remove_cached(cache(), removal);
  EXPECT_TRUE(fs::exists(folder_.blob(git_hash("old"))));
}

}  // namespace
}  // namespace xlstm
