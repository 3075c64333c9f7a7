// Hugging Face shards, and every way in which their index can be wrong.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/expect_error.h"
#include "tests/weights/checkpoint_folder.h"
#include "xlstm/weights/tensor_source.h"

namespace xlstm {
namespace {

using Pieces = std::vector<std::string>;

void expect_refused(const CheckpointFolder& folder, ErrorKind kind, const Pieces& pieces) {
  expect_error(kind, pieces, [&] { open_weights(folder.path()); });
}

TEST(IndexedShards, AreOneSource) {
  const CheckpointFolder folder;
  folder.shard("s-1", {"b", "d"});
  folder.shard("s-2", {"c", "a"});
  folder.shard("unlisted", {"z"});
  folder.index(R"("a":"s-2","b":"s-1","c":"s-2","d":"s-1")");
  const auto source = open_weights(folder.path());
  ASSERT_EQ(source->tensors().size(), 4U);
  const std::string names[] = {"a", "b", "c", "d"}, files[] = {"s-2", "s-1", "s-2", "s-1"};
  const int bytes[] = {1, 0, 0, 1};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(source->tensors()[i].name, names[i]);
    EXPECT_EQ(source->tensors()[i].file, folder / files[i]);
    EXPECT_EQ(source->read_all(i)[0], static_cast<std::byte>(bytes[i]));
    EXPECT_EQ(source->find(names[i]), i);
  }
  EXPECT_EQ(open_weights(folder / "model.safetensors.index.json")->tensors().size(), 4U);
}

TEST(IndexedShards, MayBeSymbolicLinks) {
  const CheckpointFolder blobs, folder;
  blobs.shard("0123", {"a"});
  std::filesystem::create_symlink(blobs / "0123", folder / "s-1");
  folder.index(R"("a":"s-1")");
  EXPECT_EQ(open_weights(folder.path())->tensors()[0].file, folder / "s-1");
}

TEST(HostileIndex, NamesAMissingFile) {
  const CheckpointFolder folder;
  folder.shard("s-1", {"a"});
  folder.index(R"("a":"s-1","b":"s-2")");
  expect_refused(folder, ErrorKind::kFile, {"index.json", "\"s-2\"", "none"});
  std::filesystem::create_symlink(folder / "nowhere", folder / "s-2");
  expect_refused(folder, ErrorKind::kFile, {"\"s-2\"", "none"});
}

TEST(HostileIndex, NamesAFileOutsideTheFolder) {
  const CheckpointFolder outer;
  outer.shard("s", {"a"});
  const CheckpointFolder folder;
  folder.shard("s", {"a"});
  std::filesystem::create_directory(folder / "sub");
  for (const std::string& name :
       {std::string("../s"), (outer / "s").string(), std::string("sub/../s"), std::string("./s"),
        std::string("sub/s"), std::string(".."), std::string("."), std::string(""),
        std::string("s/"), std::string("..\\\\s"), std::string("s\\u0000")}) {
    SCOPED_TRACE(name);
    folder.index(str("\"a\":\"", name, "\""));
    expect_refused(folder, ErrorKind::kFormat, {"index.json", "in its own folder for \"a\""});
  }
}

TEST(HostileIndex, NamesAFolderOrADamagedShard) {
  const CheckpointFolder folder;
  std::filesystem::create_directory(folder / "sub");
  folder.index(R"("a":"sub")");
  expect_refused(folder, ErrorKind::kFile, {"sub", "a folder"});
  folder.file("cut", content_of(folder.file("x", raw_file(raw_object(raw_entry("a", 0, 9)), 8))));
  folder.index(R"("a":"cut")");
  expect_refused(folder, ErrorKind::kFormat, {"cut", "\"a\"", "cut off"});
}

TEST(HostileIndex, ListsATensorThatItsShardLacks) {
  const CheckpointFolder folder;
  folder.shard("s-1", {"a"});
  folder.shard("s-2", {"b"});
  folder.index(R"("a":"s-1","b":"s-2","c":"s-2")");
  expect_refused(folder, ErrorKind::kFormat, {"tensor \"c\" in \"s-2\"", "none there"});
}

TEST(HostileIndex, ListsATensorUnderAnotherShard) {
  const CheckpointFolder folder;
  folder.shard("s-1", {"a"});
  folder.shard("s-2", {"b", "c"});
  folder.index(R"("a":"s-1","b":"s-2","c":"s-1")");
  expect_refused(folder, ErrorKind::kFormat, {"\"c\" in \"s-1\"", "it in \"s-2\""});
}

TEST(HostileIndex, LacksATensorThatAShardHolds) {
  const CheckpointFolder folder;
  folder.shard("s-1", {"a", "extra"});
  folder.index(R"("a":"s-1")");
  expect_refused(folder, ErrorKind::kFormat, {"\"extra\"", "s-1", "none"});
}

TEST(HostileIndex, ATensorInTwoShards) {
  const CheckpointFolder folder;
  folder.shard("s-1", {"a", "b"});
  folder.shard("s-2", {"a"});
  folder.index(R"("a":"s-1","b":"s-2")");
  expect_refused(folder, ErrorKind::kFormat, {"\"a\"", "s-1", "s-2"});
}

TEST(HostileIndex, IsNoIndex) {
  const CheckpointFolder folder;
  const auto index_is = [&](const std::string& text, const Pieces& pieces) {
    SCOPED_TRACE(text.substr(0, 100));
    folder.file("model.safetensors.index.json", text);
    expect_refused(folder, ErrorKind::kFormat, pieces);
  };
  index_is("", {"malformed JSON"});
  index_is("[]", {"\"weight_map\"", "none"});
  index_is("{}", {"\"weight_map\"", "none"});
  index_is(R"({"weight_map":{}})", {"\"weight_map\""});
  index_is(R"({"weight_map":[]})", {"\"weight_map\"", "an array"});
  index_is(R"({"weight_map":{"a":1}})", {"\"a\"", "a number"});
  index_is(R"({"weight_map":{"a":"s","a":"s"}})", {"\"a\"", "twice"});
  index_is(R"({"weight_map":{"a":"s"})", {"malformed JSON"});
  index_is(str("{\"weight_map\":", std::string(1'000'000, '[')), {"deep"});
  index_is("{\"weight_map\":{\"\xff\":\"s\"}}", {"UTF-8"});
}

}  // namespace
}  // namespace xlstm
