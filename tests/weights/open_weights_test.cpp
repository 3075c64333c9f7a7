// Which form of checkpoint a path holds.
#include <gtest/gtest.h>

#include <cstring>

#include "tests/support/child_process.h"
#include "tests/support/expect_error.h"
#include "tests/weights/checkpoint_folder.h"
#include "xlstm/weights/tensor_source.h"

namespace xlstm {
namespace {

TEST(OpenWeights, OpensAFileOfAnyName) {
  const CheckpointFolder folder;
  folder.shard("some.weights", {"a"});
  EXPECT_EQ(open_weights(folder / "some.weights")->tensors()[0].name, "a");
}

TEST(OpenWeights, PrefersTheWholeFileThenTheIndexThenNumbers) {
  const CheckpointFolder folder;
  folder.shard("model_0.safetensors", {"numbered"});
  EXPECT_EQ(open_weights(folder.path())->tensors()[0].name, "numbered");
  folder.shard("s", {"indexed"});
  folder.index(R"("indexed":"s")");
  EXPECT_EQ(open_weights(folder.path())->tensors()[0].name, "indexed");
  folder.shard("model.safetensors", {"whole"});
  EXPECT_EQ(open_weights(folder.path())->tensors()[0].name, "whole");
}

TEST(OpenWeights, SaysWhatItLookedFor) {
  const CheckpointFolder folder;
  expect_error(ErrorKind::kFile,
               {folder.path().string(), "model.safetensors", "model.safetensors.index.json",
                "model_0.safetensors", "none of them"},
               [&] { open_weights(folder.path()); });
  expect_error(ErrorKind::kFile, {"nowhere", "nothing of that name"},
               [&] { open_weights(folder / "nowhere"); });
  expect_error(ErrorKind::kFile, {"nothing of that name"}, [] { open_weights(""); });
  const std::string too_long(5000, 'x');
  expect_error(ErrorKind::kFile, {std::strerror(ENAMETOOLONG)}, [&] {
    try {
      open_weights(too_long);
    } catch (const Error& error) {  // the path itself is too long to be shown whole here
      const std::string what = error.what();
      throw Error(error.kind(), "path", what.substr(what.size() - 100));
    }
  });
}

TEST(OpenWeights, RefusesOtherKindsOfFiles) {
  const CheckpointFolder folder;
  expect_error(ErrorKind::kFormat, {"model.gguf", "safetensors"}, [&] {
    open_weights(folder.file("model.gguf", std::string("GGUF\3\0\0\0\0\0\0\0", 12)));
  });
  expect_error(ErrorKind::kFormat, {"model.bin", "safetensors"}, [&] {
    open_weights(folder.file("model.bin", str("PK\3\4", std::string(100, 'x'))));
  });
  std::filesystem::create_directory(folder / "model.safetensors");
  expect_error(ErrorKind::kFile, {"model.safetensors", "a folder"},
               [&] { open_weights(folder.path()); });
}

TEST(OpenWeights, SaysWhichFolderMayNotBeRead) {
  const CheckpointFolder folder;
  folder.shard("model_0.safetensors", {"a"});
  std::filesystem::permissions(folder.path(), std::filesystem::perms::none);
  EXPECT_TRUE(is_denied([&] { open_weights(folder.path()); }));
}

}  // namespace
}  // namespace xlstm
