// The same model as one file of safetensors, shards, NPZ and a torch file writes the same text.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/other_formats.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/convert/convert.h"
#include "xlstm/engine/engine.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

std::string greedy_text(const fs::path& model) {
  EngineOptions options;
  options.device = "cpu";
  const Engine engine = Engine::open(model.string(), options);
  return engine.complete({.prompt = "It was a", .max_tokens = 24, .temperature = 0}).text;
}

TEST(Formats, WriteTheSameText) {
  const fs::path classics = fs::path(XLSTM_SOURCE_DIR) / "models/classics-8m";
  const TemporaryFolder folder;
  const std::string wanted = greedy_text(classics);
  EXPECT_GT(wanted.size(), 20u);

  ConvertOptions shards;
  shards.shard_bytes = 3'000'000;
  EXPECT_GT(convert(classics, folder / "shards", shards).files, 3u);
  EXPECT_EQ(greedy_text(folder / "shards"), wanted);

  const auto source = open_weights(classics);
  const auto texts = [&](const char* name) {
    fs::create_directory(folder / name);
    for (const char* text : {"config.json", "tokenizer.json", "tokenizer_config.json"}) {
      fs::copy(classics / text, folder / name / text);
    }
  };
  texts("npz");
  convert(classics, folder / "npz/model.npz", {});
  EXPECT_EQ(greedy_text(folder / "npz"), wanted);
  EXPECT_EQ(greedy_text(folder / "npz/model.npz"), wanted) << "by the file's name";

  texts("torch");
  folder.file("torch/pytorch_model.bin", as_torch(*source));
  EXPECT_EQ(greedy_text(folder / "torch"), wanted);
}

}  // namespace
}  // namespace xlstm
