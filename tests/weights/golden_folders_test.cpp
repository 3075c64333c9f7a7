// The checkpoints that come with the project.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "xlstm/base/error.h"
#include "xlstm/weights/tensor_source.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

const fs::path kData = XLSTM_TEST_DATA;
const fs::path kModels = fs::path(XLSTM_SOURCE_DIR) / "models";

const TensorInfo& info(const TensorSource& source, const std::string& name) {
  const std::size_t at = source.find(name);
  if (at == TensorSource::npos) fail(ErrorKind::kInternal, "test", str("no tensor ", quoted(name)));
  return source.tensors()[at];
}

// Reads every byte, as a loader does.
std::uint64_t touch_all(const TensorSource& source) {
  std::uint64_t bytes = 0;
  unsigned sum = 0;
  for (std::size_t i = 0; i < source.tensors().size(); ++i) {
    const auto part = source.read_all(i);
    for (const std::byte byte : part) sum += std::to_integer<unsigned>(byte);
    EXPECT_EQ(part.size(), source.tensors()[i].bytes);
    bytes += part.size();
  }
  EXPECT_NE(sum, 0U);
  return bytes;
}

TEST(GoldenFolders, AllOpenWithHeadAndFirstBlock) {
  int found = 0;
  for (const auto& entry : fs::directory_iterator(kData / "golden")) {
    if (!entry.is_directory()) continue;
    SCOPED_TRACE(entry.path().filename().string());
    const auto source = open_weights(entry.path());
    int embeddings = 0, first_norms = 0;
    for (const TensorInfo& tensor : source->tensors()) {
      const std::string& name = tensor.name;
      embeddings += name.ends_with("embeddings.weight") || name.ends_with("embedding.weight") ||
                    name == "input_patch_embedding.hidden_layer.weight";
      first_norms += name.ends_with("blocks.0.norm_mlstm.weight") ||
                     name.ends_with("blocks.0.xlstm_norm.weight") ||
                     name.ends_with("blocks.0.norm_slstm.weight") ||
                     name == "stack.0.time_mixer.norm_lstm.weight";
    }
    EXPECT_EQ(embeddings, 1);
    EXPECT_EQ(first_norms, 1);
    EXPECT_GT(touch_all(*source), 1000U);
    ++found;
  }
  EXPECT_GE(found, 8);
}

TEST(GoldenFolders, ShardsOfBf16AreJoined) {
  const auto source = open_weights(kData / "golden/large-bf16-sharded");
  std::set<fs::path> files;
  for (const TensorInfo& tensor : source->tensors()) {
    files.insert(tensor.file);
    EXPECT_EQ(tensor.dtype, DType::kBF16) << tensor.name;
  }
  EXPECT_EQ(files.size(), 5U);
}

TEST(GoldenFolders, ResultsOpenAsFiles) {
  const auto source = open_weights(kData / "golden/large-plain/golden.safetensors");
  EXPECT_FALSE(source->tensors().empty());
  touch_all(*source);
}

TEST(EmbeddedModel, HasItsTensors) {
  const auto source = open_weights(kModels / "classics-8m");
  const TensorInfo& embedding = info(*source, "backbone.embeddings.weight");
  ASSERT_EQ(embedding.shape.size(), 2U);
  EXPECT_EQ(info(*source, "lm_head.weight").shape, embedding.shape);
  EXPECT_EQ(info(*source, "backbone.out_norm.weight").shape, Shape{embedding.shape[1]});
  EXPECT_GT(touch_all(*source), 8'000'000U);
}

}  // namespace
}  // namespace xlstm
