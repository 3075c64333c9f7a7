#include <gtest/gtest.h>

#include <string>

#include "tests/support/expect_error.h"
#include "tests/weights/checkpoint_folder.h"
#include "xlstm/weights/tensor_source.h"

namespace xlstm {
namespace {

TEST(NumberedShards, AreOneSourceHoweverMany) {
  const CheckpointFolder folder;
  for (int k = 0; k < 12; ++k) {
    folder.shard(str("model_", k, ".safetensors"), {str("t", k)});
  }
  const auto source = open_weights(folder.path());
  ASSERT_EQ(source->tensors().size(), 12U);
  for (int k = 0; k < 12; ++k) {
    const std::size_t at = source->find(str("t", k));
    ASSERT_NE(at, TensorSource::npos);
    EXPECT_EQ(source->tensors()[at].file, folder / (str("model_", k, ".safetensors")));
  }
}

TEST(NumberedShards, OtherNamesAreNoShards) {
  const CheckpointFolder folder;
  folder.shard("model_0.safetensors", {"a"});
  for (const char* name : {"model_01.safetensors", "model_+1.safetensors", "model_-1.safetensors",
                           "model_2.safetensors.tmp", "model_x.safetensors", "model_.safetensors",
                           "xmodel_3.safetensors", "model_99999999999999999999.safetensors"}) {
    folder.shard(name, {"other"});
  }
  EXPECT_EQ(open_weights(folder.path())->tensors().size(), 1U);
}

TEST(NumberedShards, AGapIsNotTheEnd) {
  const CheckpointFolder folder;
  folder.shard("model_0.safetensors", {"a"});
  folder.shard("model_2.safetensors", {"c"});
  expect_error(ErrorKind::kFile, {"model_1.safetensors before model_2.safetensors", "none"},
               [&] { open_weights(folder.path()); });
  folder.shard("model_1.safetensors", {"b"});
  folder.shard("model_18446744073709551615.safetensors", {"z"});
  expect_error(ErrorKind::kFile, {"model_3.safetensors", "none"},
               [&] { open_weights(folder.path()); });
}

TEST(NumberedShards, TheFirstMayNotBeMissingEither) {
  const CheckpointFolder folder;
  folder.shard("model_1.safetensors", {"b"});
  expect_error(ErrorKind::kFile, {"model_0.safetensors before model_1.safetensors"},
               [&] { open_weights(folder.path()); });
}

TEST(NumberedShards, ATensorInTwoOfThem) {
  const CheckpointFolder folder;
  folder.shard("model_0.safetensors", {"a"});
  folder.shard("model_1.safetensors", {"b", "a"});
  expect_error(ErrorKind::kFormat, {"\"a\"", "model_0.safetensors", "model_1.safetensors"},
               [&] { open_weights(folder.path()); });
}

}  // namespace
}  // namespace xlstm
