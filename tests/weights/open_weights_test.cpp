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

// Each with the reason, whatever else it may be.
TEST(OpenWeights, RefusesOtherKindsOfFilesByName) {
  const CheckpointFolder folder;
  const auto refuses = [&](const char* name, const std::string& bytes, const char* reason) {
    const auto file = folder.file(name, bytes);
    expect_error(ErrorKind::kModel, {name, "wanted safetensors, NPZ or a torch file", reason},
                 [&] { open_weights(file); });
  };
  const std::string rest(600, '\0');
  refuses("model.gguf", "GGUF\3" + rest, "no xLSTM exists in GGUF");
  refuses("renamed.bin", "GGUF\3" + rest, "no xLSTM exists in GGUF");
  refuses("tirex.onnx", "\x08\x08\x12\x07pytorch" + rest, "an ONNX graph");
  refuses("old.pt", "\x80\x02\x8A\x0Al\xFC\x9C\x46\xF9 j\xA8P\x19.", "a bare pickle");
  refuses("array.pkl", "\x80\x04\x95" + rest, "a bare pickle");
  refuses("tree.pkl", "(dp0\n", "a bare pickle");
  refuses("model.tar", std::string(257, 'n') + "ustar" + rest, "a tar archive");
  refuses("flax_model.msgpack", "\x81\xA6params" + rest, "a tree of JAX arrays");
  refuses("saved_model.pb", "\x08\x01" + rest, "TensorFlow");
  refuses("tf_model.h5", "\x89HDF\r\n\x1A\n" + rest, "TensorFlow or Keras");
  refuses("w.npy", "\x93NUMPY\1" + rest, "one array without a name");
  refuses("model.safetensors.gz", "\x1F\x8B\x08" + rest, "a gzip file");
  std::filesystem::create_directory(folder / "model.safetensors");
  expect_error(ErrorKind::kFile, {"model.safetensors", "a folder"},
               [&] { open_weights(folder.path()); });
}

TEST(OpenWeights, RefusesFoldersOfOtherFormatsByName) {
  for (const auto& [name, reason] : {std::pair{"xlstm-q4.gguf", "no xLSTM exists in GGUF"},
                                     {"_METADATA", "Flax or Orbax"},
                                     {"_CHECKPOINT_METADATA", "Flax or Orbax"},
                                     {"flax_model.msgpack", "Flax or Orbax"},
                                     {"model.onnx", "an ONNX graph"},
                                     {"tf_model.h5", "TensorFlow"}}) {
    const CheckpointFolder folder;
    folder.file(name, "x");
    expect_error(ErrorKind::kModel, {name, reason}, [&] { open_weights(folder.path()); });
  }
}

// A length of 0x280 bytes begins as a pickle does.
TEST(OpenWeights, SafetensorsMayBeginAsOtherFormatsDo) {
  const CheckpointFolder folder;
  const std::string header = raw_object(raw_entry("a", 0, 1));
  const auto file =
      folder.file("a.bin", raw_file(header + std::string(0x280 - header.size(), ' '), 1));
  EXPECT_EQ(open_weights(file)->tensors()[0].name, "a");
}

TEST(OpenWeights, AFolderOfOneFile) {
  const CheckpointFolder folder;
  folder.shard("some.ckpt", {"some"});
  EXPECT_EQ(open_weights(folder.path())->tensors()[0].name, "some");
  folder.shard("model.pt", {"named"});
  EXPECT_EQ(open_weights(folder.path())->tensors()[0].name, "named");
  folder.shard("model.ckpt", {"competing"});
  expect_error(ErrorKind::kFile,
               {folder.path().string(), "one file of weights", "model.ckpt, model.pt"},
               [&] { open_weights(folder.path()); });
  EXPECT_EQ(open_weights(folder / "model.ckpt")->tensors()[0].name, "competing");
  folder.shard("model.safetensors", {"first"});
  EXPECT_EQ(open_weights(folder.path())->tensors()[0].name, "first");
}

TEST(OpenWeights, TorchShards) {
  const CheckpointFolder folder;
  folder.shard("pytorch_model-00001-of-00002.bin", {"a"});
  folder.shard("pytorch_model-00002-of-00002.bin", {"b"});
  folder.file("pytorch_model.bin.index.json",
              R"({"weight_map":{"a":"pytorch_model-00001-of-00002.bin",
                                "b":"pytorch_model-00002-of-00002.bin"}})");
  EXPECT_EQ(open_weights(folder.path())->tensors().size(), 2u);
}

TEST(OpenWeights, SaysWhichFolderMayNotBeRead) {
  const CheckpointFolder folder;
  folder.shard("model_0.safetensors", {"a"});
  std::filesystem::permissions(folder.path(), std::filesystem::perms::none);
  EXPECT_TRUE(is_denied([&] { open_weights(folder.path()); }));
}

}  // namespace
}  // namespace xlstm
