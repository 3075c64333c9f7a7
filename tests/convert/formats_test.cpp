// Models that go from one format into another and back: nothing is rounded.
#include <gmock/gmock.h>

#include "tests/convert/converting.h"
#include "tests/support/expect_error.h"
#include "tests/support/other_formats.h"

namespace xlstm::testing {
namespace {

ConvertOptions verified() {
  ConvertOptions options;
  options.verify = true;
  return options;
}

void expect_same_tensors(const fs::path& a, const fs::path& b) {
  const auto wanted = open_weights(a), got = open_weights(b);
  ASSERT_EQ(got->tensors().size(), wanted->tensors().size()) << b;
  for (std::size_t i = 0; i < wanted->tensors().size(); ++i) {
    const TensorInfo &from = wanted->tensors()[i], &to = got->tensors()[i];
    EXPECT_EQ(to.name, from.name);
    EXPECT_EQ(to.dtype, from.dtype) << from.name;
    EXPECT_EQ(to.shape, from.shape) << from.name;
    EXPECT_TRUE(got->read_all(i) == wanted->read_all(i)) << b << " " << from.name;
  }
}

class Formats : public ::testing::Test {
 protected:
  fs::path put(std::string_view name, std::string_view content) const {
    return scratch_.file(name, content);
  }
  TemporaryFolder scratch_;
};

TEST_F(Formats, ThroughNpzAndBack) {
  for (const char* name : {"large-plain", "large-bf16-sharded", "large-tied-caps"}) {
    const fs::path from = kGolden / name;
    const fs::path npz = scratch_ / str(name, ".npz"), back = scratch_ / str(name, "-back");
    convert(from, npz, verified());
    expect_same_tensors(from, npz);
    convert(npz, back, verified());
    expect_same_tensors(from, back);
    EXPECT_EQ(parse_json(text_of(back / "config.json"), "back"),
              parse_json(text_of(from / "config.json"), "from"));
    const auto before = open_weights(from)->metadata();
    if (!before.empty()) {
      EXPECT_EQ(open_weights(back)->metadata(), before);
    }
  }
}

// A bit that flipped in a stored member, which nothing but its checksum shows.
TEST_F(Formats, ChangedBytesOfArchivesAreNotConverted) {
  const auto source = open_weights(kGolden / "large-plain");
  put("config.json", text_of(kGolden / "large-plain/config.json"));
  for (std::string bytes : {as_npz(*source, "", false), as_torch(*source)}) {
    bytes[bytes.size() / 2] ^= 1;
    const fs::path from = put("model.ckpt", bytes);
    expect_error(ErrorKind::kFormat, {"model.ckpt", "fit the checksum"},
                 [&] { convert(from, scratch_ / "out", {}); });
    EXPECT_FALSE(fs::exists(scratch_ / "out"));
  }
}

TEST_F(Formats, NamesOfOtherFormatsAreNoFolders) {
  for (const char* name : {"out.gguf", "out.pt", "out.safetensors", "out.NPZ"}) {
    expect_error(ErrorKind::kUsage, {name, "ends in"},
                 [&] { convert(kGolden / "large-plain", scratch_ / name, {}); });
    EXPECT_FALSE(fs::exists(scratch_ / name));
  }
}

TEST_F(Formats, TorchAndShards) {
  const fs::path from = kGolden / "large-plain";
  const auto source = open_weights(from);
  const fs::path torch = put("model.ckpt", as_torch(*source));
  put("config.json", text_of(from / "config.json"));
  put("README.md", "of the folder around it");
  expect_same_tensors(from, torch);
  ConvertOptions shards = verified();
  shards.shard_bytes = 100'000;
  const ConvertReport report = convert(torch, scratch_ / "out", shards);
  EXPECT_GT(report.files, 2u);
  EXPECT_EQ(report.bytes_after, report.bytes_before);
  expect_same_tensors(from, scratch_ / "out");
  EXPECT_FALSE(fs::exists(scratch_ / "out/README.md")) << "a file's folder may be anybody's";
  expect_same_tensors(from, put("deflated.npz", as_npz(*source, "", true)));
}

TEST_F(Formats, OtherTypesAndQuantisedModelsAreVerifiedToo) {
  ConvertOptions narrow = typed(DType::kBF16);
  narrow.verify = true;
  convert(kClassics, scratch_ / "bf16.npz", narrow);
  ConvertOptions quantised = quantising();
  quantised.verify = true;
  double share = 0;
  quantised.on_progress = [&](double now) {
    EXPECT_GE(now, share);
    share = now;
  };
  convert(kClassics, scratch_ / "q4", quantised);
  EXPECT_EQ(share, 1.0);
  convert(scratch_ / "q4", scratch_ / "q4.npz", verified());
  expect_same_tensors(scratch_ / "q4", scratch_ / "q4.npz");
  EXPECT_TRUE(Checkpoint::open(scratch_ / "q4.npz").config.find("quantization") !=
              std::string::npos);
}

TEST_F(Formats, WhatIsInTheWay) {
  const fs::path npz = put("there.npz", "mine");
  expect_error(ErrorKind::kUsage, {"there.npz", "a name that is free", "--force"},
               [&] { convert(kGolden / "large-plain", npz, verified()); });
  EXPECT_EQ(text_of(npz), "mine");
  ConvertOptions force = verified();
  force.replace = true;
  convert(kGolden / "large-plain", npz, force);
  expect_same_tensors(kGolden / "large-plain", npz);
  ConvertOptions stopped = force;  // while what was written is compared
  stopped.on_progress = [](double share) {
    if (share > 0.5) fail(ErrorKind::kCancelled, "test", "stopped");
  };
  expect_error(ErrorKind::kCancelled, {"stopped"},
               [&] { convert(kGolden / "large-tied-caps", npz, stopped); });
  expect_same_tensors(kGolden / "large-plain", npz);
  EXPECT_EQ(names_in(scratch_.path()), (std::set<std::string>{"there.npz"}));
  fs::create_directory(scratch_ / "folder.npz");
  expect_error(ErrorKind::kUsage, {"folder.npz", "a name that is free"},
               [&] { convert(kGolden / "large-plain", scratch_ / "folder.npz", force); });
}

TEST_F(Formats, AModelIsNotReplacedByItself) {
  const fs::path folder = scratch_ / "model";
  convert(kGolden / "large-plain", folder, verified());
  convert(kGolden / "large-plain", scratch_ / "model.npz", verified());
  fs::create_hard_link(scratch_ / "model.npz", scratch_ / "again.npz");
  ConvertOptions force = verified();
  force.replace = true;
  for (const auto& [from, to] :
       {std::pair{folder, folder}, std::pair{folder / "model.safetensors", folder},
        std::pair{folder, folder / "model.safetensors"},
        std::pair{scratch_ / "model.npz", scratch_ / "again.npz"}}) {
    expect_error(ErrorKind::kUsage, {"another place than that of the model"},
                 [&, source = from, target = to] { convert(source, target, force); });
  }
  expect_same_tensors(kGolden / "large-plain", folder);
}

}  // namespace
}  // namespace xlstm::testing
