#include "xlstm/hub/needed_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace xlstm {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;
using Names = std::vector<std::string>;

Names needed(Names names) {
  return needed_files(names, HubContent::kModel, "org/name");
}

TEST(NeededFiles, TextsAndOneWholeFileOfWeights) {
  EXPECT_THAT(
      needed({".gitattributes", "README.md", "LICENSE", "config.json", "generation_config.json",
              "model.safetensors", "model.safetensors.index.json",
              "model-00001-of-00002.safetensors", "pytorch_model.bin", "special_tokens_map.json",
              "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "tf_model.h5",
              "onnx/model.onnx", "plot.png", "training_args.bin"}),
      ElementsAre("config.json", "generation_config.json", "model.safetensors",
                  "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json",
                  "chat_template.jinja"));
}

TEST(NeededFiles, AnIndexAndItsShards) {
  EXPECT_THAT(
      needed({"config.json", "consolidated.safetensors", "model-00001-of-00002.safetensors",
              "model-00002-of-00002.safetensors", "model.safetensors.index.json",
              "model_0.safetensors", "pytorch_model.bin"}),
      UnorderedElementsAre("config.json", "model-00001-of-00002.safetensors",
                           "model-00002-of-00002.safetensors", "model.safetensors.index.json"));
}

TEST(NeededFiles, ShardsThatAnIndexCallsOtherwise) {
  EXPECT_THAT(needed({"config.json", "first.safetensors", "model.safetensors.index.json",
                      "second.safetensors", "sub/third.safetensors"}),
              UnorderedElementsAre("config.json", "first.safetensors", "second.safetensors",
                                   "model.safetensors.index.json"));
}

TEST(NeededFiles, NumberedShards) {
  EXPECT_THAT(needed({"config.json", "model_0.safetensors", "model_1.safetensors",
                      "model_x.safetensors", "pytorch_model.bin"}),
              ElementsAre("config.json", "model_0.safetensors", "model_1.safetensors"));
}

TEST(NeededFiles, TorchWhereThereIsNothingElse) {
  EXPECT_THAT(needed({"config.json", "pytorch_model.bin", "training_args.bin"}),
              ElementsAre("config.json", "pytorch_model.bin"));
  EXPECT_THAT(
      needed({"pytorch_model-00001-of-00001.bin", "pytorch_model.bin.index.json"}),
      UnorderedElementsAre("pytorch_model-00001-of-00001.bin", "pytorch_model.bin.index.json"));
  EXPECT_THAT(needed({"model.ckpt", "tirex.onnx"}), ElementsAre("model.ckpt"));
  EXPECT_THAT(needed({"a.pt", "b.ckpt", "sub/c.pt"}), ElementsAre("a.pt"));
}

TEST(NeededFiles, StateOfTrainingIsNoWeights) {
  EXPECT_THAT(needed({"config.json", "a.pt", "optimizer.pt", "scheduler.pt", "training_args.pt"}),
              ElementsAre("config.json", "a.pt"));
  EXPECT_THAT(needed({"a.bin", "pytorch_model.bin.index.json", "training_args.bin"}),
              UnorderedElementsAre("a.bin", "pytorch_model.bin.index.json"));
  expect_error(ErrorKind::kModel, {"weights"}, [] { needed({"config.json", "optimizer.pt"}); });
  EXPECT_FALSE(is_torch_file("training_args.bin"));
}

TEST(NeededFiles, ConfigsInYaml) {
  EXPECT_THAT(needed({"config.yaml", "model.safetensors", "README.md"}),
              UnorderedElementsAre("config.yaml", "model.safetensors"));
  EXPECT_THAT(needed({"model-config.yaml", "model.ckpt"}),
              UnorderedElementsAre("model-config.yaml", "model.ckpt"));
}

TEST(NeededFiles, NoWeights) {
  expect_error(ErrorKind::kModel, {"[org/name]", "weights", "README.md, config.json"}, [] {
    needed({"README.md", "config.json"});
  });
  expect_error(ErrorKind::kModel, {"no file"}, [] { needed({}); });
  expect_error(ErrorKind::kModel, {"weights"}, [] { needed({"sub/model.safetensors"}); });
}

TEST(NeededFiles, OfATokenizer) {
  const Names names = {"config.json", "model.safetensors", "tokenizer.json",
                       "tokenizer_config.json"};
  EXPECT_THAT(needed_files(names, HubContent::kTokenizer, "x"),
              ElementsAre("tokenizer.json", "tokenizer_config.json"));
  expect_error(ErrorKind::kModel, {"tokenizer.json"}, [] {
    needed_files({"config.json", "model.safetensors"}, HubContent::kTokenizer, "x");
  });
}

}  // namespace
}  // namespace xlstm
