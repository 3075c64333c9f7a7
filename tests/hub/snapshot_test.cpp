#include "xlstm/hub/snapshot.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "xlstm/hub/needed_files.h"

namespace xlstm {
namespace {

const std::string kCommit = "0123456789abcdef0123456789abcdef01234567";

class Snapshot : public ::testing::Test {
 protected:
  void put(const std::string& name, const std::string& text = "x") const {
    temporary_.file("models--org--name/snapshots/" + kCommit + "/" + name, text);
  }
  SnapshotState state(HubContent content = HubContent::kModel) const {
    return snapshot_state(folder_, kCommit, content);
  }
  void know_the_rest() const {
    for (const std::string_view name : known_names(HubContent::kModel)) {
      if (!std::filesystem::exists(folder_.file(kCommit, std::string(name)))) {
        folder_.set_absent(kCommit, name);
      }
    }
  }

  const TemporaryFolder temporary_;
  const RepositoryFolder folder_{temporary_.path(), "org/name"};
};

TEST_F(Snapshot, IsUsableWithConfigAndWeights) {
  EXPECT_EQ(state(), SnapshotState::kNone);
  put("model.safetensors");
  EXPECT_EQ(state(), SnapshotState::kNone);
  put("config.json");
  EXPECT_EQ(state(), SnapshotState::kUsable);
}

TEST_F(Snapshot, IsWholeWhereTheRestIsKnownNotToBe) {
  put("config.json");
  put("model.safetensors");
  know_the_rest();
  EXPECT_EQ(state(), SnapshotState::kWhole);
  std::filesystem::remove(folder_.absent(kCommit, "tokenizer.json"));
  EXPECT_EQ(state(), SnapshotState::kUsable);
}

TEST_F(Snapshot, WantsEveryShardOfAnIndex) {
  put("config.json");
  put("model.safetensors.index.json",
      R"({"weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}})");
  put("m-1.safetensors");
  EXPECT_EQ(state(), SnapshotState::kNone);
  put("m-2.safetensors");
  EXPECT_EQ(state(), SnapshotState::kUsable);
}

TEST_F(Snapshot, TakesALinkToNothingForNothing) {
  put("config.json");
  std::filesystem::create_symlink("../../blobs/none", folder_.file(kCommit, "model.safetensors"));
  EXPECT_EQ(state(), SnapshotState::kNone);
}

TEST_F(Snapshot, OtherFormatsOfWeights) {
  put("config.yaml");
  put("model_0.safetensors");
  EXPECT_EQ(state(), SnapshotState::kUsable);
  std::filesystem::remove(folder_.file(kCommit, "model_0.safetensors"));
  put("pytorch_model.bin");
  EXPECT_EQ(state(), SnapshotState::kUsable);
}

TEST_F(Snapshot, ACheckpointOfLightningIsAModelByItself) {
  put("model.ckpt");
  EXPECT_EQ(state(), SnapshotState::kUsable);
}

TEST_F(Snapshot, OfATokenizer) {
  put("config.json");
  EXPECT_EQ(state(HubContent::kTokenizer), SnapshotState::kNone);
  put("tokenizer.json", "{}");
  EXPECT_EQ(state(HubContent::kTokenizer), SnapshotState::kUsable);
  know_the_rest();
  EXPECT_EQ(state(HubContent::kTokenizer), SnapshotState::kWhole);
  EXPECT_EQ(state(), SnapshotState::kNone);
}

TEST_F(Snapshot, RefsAreReadAndWritten) {
  EXPECT_EQ(folder_.commit_of("main"), std::nullopt);
  EXPECT_EQ(folder_.commit_of(kCommit), kCommit);
  folder_.set_ref("refs/pr/1", kCommit);
  EXPECT_EQ(folder_.commit_of("refs/pr/1"), kCommit);
  temporary_.file("models--org--name/refs/bad", "../../x");
  EXPECT_EQ(folder_.commit_of("bad"), std::nullopt);
}

TEST_F(Snapshot, FoldersNamesAreIds) {
  EXPECT_EQ(repository_id("models--org--name"), "org/name");
  EXPECT_EQ(repository_id("models--gpt2"), "gpt2");
  for (const char* other :
       {"datasets--org--name", "models--", "models--a--b--c", "blobs", ".locks"}) {
    EXPECT_EQ(repository_id(other), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace xlstm
