#include "xlstm/convert/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/convert/converting.h"
#include "tests/support/expect_error.h"
#include "tests/support/file_size_limit.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;

// Normal weights in groups of 64 span about 4.8 deviations; a step is that over 2^bits - 1, and a
// rounding error is evenly spread over a step, its deviation step / sqrt(12): 0.093 with 4 bits.
TEST_F(Convert, QuantisedModelIsNearTheOriginal) {
  const ConvertReport report = convert(kClassics, out_, quantising());
  const Opened before(kClassics), after(out_);
  EXPECT_EQ(after.plan.parameter_count(), before.plan.parameter_count());
  EXPECT_EQ(report.parameters, before.plan.parameter_count());
  EXPECT_EQ(report.bytes_before, before.plan.bytes());
  EXPECT_EQ(report.bytes_after, after.plan.bytes());
  EXPECT_EQ(report.files, 1u);
  for (const TensorInfo& tensor : before.source->tensors()) {
    const auto wanted = before.values(tensor.name), got = after.values(tensor.name);
    ASSERT_EQ(wanted.size(), got.size()) << tensor.name;
    const bool gate = tensor.name.find("igate") != std::string::npos ||
                      tensor.name.find("fgate") != std::string::npos;
    if (tensor.shape.size() == 2 && !gate) {
      EXPECT_LT(relative_error(wanted, got), 0.11) << tensor.name;
      EXPECT_GT(relative_error(wanted, got), 0.03) << tensor.name;
    } else {
      EXPECT_EQ(wanted, got) << tensor.name;  // gates and norms: as they were
    }
  }
}

TEST_F(Convert, EveryFormat) {
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int group : {32, 64, 128}) {
      ConvertOptions options = quantising(bits, group);
      options.replace = true;
      convert(kClassics, out_, options);
      const Opened after(out_);
      const Quantization wanted{QuantizationMode::kAffine, bits, group};
      EXPECT_EQ(after.plan.find_parameter("lm_head.weight")->packed->format, wanted);
      // 704 columns: 128 does not divide them, 64 does.
      const Quantization down{QuantizationMode::kAffine, bits, std::min(group, 64)};
      EXPECT_EQ(after.plan.find_parameter("blocks.0.ffn.down.weight")->packed->format, down);
    }
  }
  convert(kClassics, scratch_.path() / "mx", quantising(4, 32, QuantizationMode::kMxfp4));
  const Opened after(scratch_.path() / "mx");
  EXPECT_EQ(after.plan.find_parameter("lm_head.weight")->packed->format.mode,
            QuantizationMode::kMxfp4);
}

TEST_F(Convert, ConfigIsMlxs) {
  ConvertOptions options = quantising(4, 128);
  options.recipe->head = Quantization{QuantizationMode::kAffine, 8, 64};
  convert(kClassics, out_, options);
  const Json config = parse_json(text_of(out_ / "config.json"), "config.json");
  const Json& q = config.at("quantization");
  EXPECT_EQ(q.at("bits"), 4);
  EXPECT_EQ(q.at("group_size"), 128);
  EXPECT_EQ(q.at("mode"), "affine");
  EXPECT_EQ(q.at("lm_head"), (Json{{"bits", 8}, {"group_size", 64}, {"mode", "affine"}}));
  EXPECT_EQ(q.at("backbone.blocks.3.ffn.proj_down").at("group_size"), 64);
  EXPECT_EQ(q.size(), 3u + 1 + 8);
  EXPECT_EQ(config.at("vocab_size"), 4096);
  EXPECT_EQ(config.at("norm_eps"), 1e-6);
}

TEST_F(Convert, CopiesTheTexts) {
  convert(kClassics, out_, quantising());
  EXPECT_EQ(names_in(out_), (std::set<std::string>{"README.md", "config.json",
                                                   "generation_config.json", "model.safetensors",
                                                   "tokenizer.json", "tokenizer_config.json"}));
  EXPECT_EQ(text_of(out_ / "tokenizer.json"), text_of(kClassics / "tokenizer.json"));
  EXPECT_EQ(names_in(scratch_.path()), std::set<std::string>{"out"});
}

TEST_F(Convert, KeepsWhatItIsToldTo) {
  ConvertOptions options = quantising();
  options.recipe->exclude = {"head", "down", "gates", "norms"};
  convert(kClassics, out_, options);
  const Opened before(kClassics), after(out_);
  EXPECT_FALSE(after.plan.find_parameter("lm_head.weight")->packed);
  EXPECT_FALSE(after.plan.find_parameter("blocks.2.ffn.down.weight")->packed);
  EXPECT_TRUE(after.plan.find_parameter("blocks.2.ffn.up.weight")->packed);
  EXPECT_EQ(after.values("lm_head.weight"), before.values("lm_head.weight"));
}

// What is told of head or embedding goes before what is usual for both.
TEST_F(Convert, TiedHeadIsTheEmbedding) {
  const fs::path from = tied();
  const auto format_of = [&](ConvertOptions options) {
    options.replace = true;
    convert(from, out_, options);
    const auto packed = Opened(out_).plan.find_parameter("embedding.weight")->packed;
    return packed ? packed->format.bits : 0;
  };
  ConvertOptions usual = quantising();
  usual.recipe = default_recipe(usual.recipe->format);
  EXPECT_EQ(format_of(usual), 6);
  const Quantization eight = {QuantizationMode::kAffine, 8, 64};
  ConvertOptions options = usual;
  options.recipe->head = eight;
  EXPECT_EQ(format_of(options), 8);
  options.recipe->embedding = eight;
  EXPECT_EQ(format_of(options), 8);
  options.recipe->head.reset();
  EXPECT_EQ(format_of(options), 8);
  for (const char* kind : {"head", "embedding"}) {
    options = usual;
    options.recipe->exclude = {kind};
    EXPECT_EQ(format_of(options), 0);
  }
}

TEST_F(Convert, TiedHeadIsNotTwoThings) {
  const fs::path from = tied();
  const auto refusal = [&](const ConvertOptions& options) {
    return message_of(ErrorKind::kUsage, [&] { convert(from, out_, options); });
  };
  ConvertOptions options = quantising();
  options.recipe->head = Quantization{QuantizationMode::kAffine, 6, 64};
  options.recipe->embedding = Quantization{QuantizationMode::kAffine, 8, 64};
  EXPECT_THAT(refusal(options), HasSubstr("which are one matrix here, got embedding 8-bit/64, head "
                                          "6-bit/64"));
  options.recipe->head.reset();
  options.recipe->exclude = {"head"};
  EXPECT_THAT(refusal(options), HasSubstr("got embedding 8-bit/64, head kept"));
  options.recipe->exclude = {"embedding"};
  EXPECT_THAT(refusal(options), HasSubstr("a format for embedding or that it is kept"));
  EXPECT_FALSE(fs::exists(out_));
}

TEST_F(Convert, OtherTypesWithoutQuantising) {
  convert(kClassics, out_, typed(DType::kF32));
  const Opened before(kClassics), wide(out_);
  EXPECT_EQ(wide.plan.layer("embedding").dtype, "F32");
  EXPECT_EQ(wide.plan.layer("out_norm").dtype, "BF16");  // norms as they were
  for (const TensorInfo& tensor : before.source->tensors()) {
    EXPECT_EQ(before.values(tensor.name), wide.values(tensor.name)) << tensor.name;
  }
  const Json config = parse_json(text_of(out_ / "config.json"), "config.json");
  EXPECT_EQ(config.at("dtype"), "float32");
  EXPECT_FALSE(config.contains("quantization"));

  // And back: nothing was lost.
  convert(out_, scratch_.path() / "back", typed(DType::kBF16));
  const Opened back(scratch_.path() / "back");
  for (const TensorInfo& tensor : before.source->tensors()) {
    EXPECT_EQ(before.values(tensor.name), back.values(tensor.name)) << tensor.name;
  }
}

TEST_F(Convert, ScalesAreOfTheTypeGiven) {
  ConvertOptions options = quantising();
  options.dtype = DType::kF16;
  convert(kClassics, out_, options);
  EXPECT_EQ(Opened(out_).plan.find_parameter("lm_head.weight")->packed->scale_type, DType::kF16);
}

TEST_F(Convert, ShardsAndIndex) {
  ConvertOptions options = quantising();
  options.shard_bytes = 1'000'000;
  const ConvertReport report = convert(kClassics, out_, options);
  EXPECT_GT(report.files, 3u);
  for (const std::string& name : names_in(out_)) {
    if (!name.ends_with(".safetensors")) continue;
    EXPECT_LT(fs::file_size(out_ / name), 1'020'000u);
  }
  const Json index = parse_json(text_of(out_ / "model.safetensors.index.json"), "index");
  EXPECT_EQ(index.at("metadata").at("total_size"), report.bytes_after);

  // The same model as in one file.
  convert(kClassics, scratch_.path() / "one", quantising());
  const Opened one(scratch_.path() / "one"), many(out_);
  ASSERT_EQ(one.source->tensors().size(), many.source->tensors().size());
  for (std::size_t i = 0; i < one.source->tensors().size(); ++i) {
    EXPECT_EQ(one.source->read_all(i), many.source->read_all(i));
  }
}

TEST_F(Convert, AFileThatIsCutShortMeanwhileLeavesNothing) {
  for (const bool quantised : {true, false}) {
    const fs::path from = changed({"lm_head.weight"}), file = from / "model.safetensors";
    ConvertOptions options = quantised ? quantising() : ConvertOptions{};
    if (!quantised) options.dtype = DType::kF32;
    options.on_progress = [&file](double) { fs::resize_file(file, 10'000); };
    EXPECT_THAT(message_of(ErrorKind::kFile, [&] { convert(from, out_, options); }),
                ::testing::HasSubstr("[" + file.string() + "] wanted the "));
    EXPECT_EQ(scratch_.names(), std::vector<std::string>{"changed"});
  }
}

// Every dialect: fused tensors, biases, package names, tied heads, shards. Of a tensor with several
// names only the one that is read is written.
TEST_F(Convert, EveryGoldenModel) {
  for (const auto& entry : fs::directory_iterator(kGolden)) {
    if (!entry.is_directory()) continue;
    const fs::path to = scratch_.path() / entry.path().filename();
    convert(entry.path(), to, quantising(8, 32));
    const Opened before(entry.path()), after(to);
    EXPECT_EQ(after.plan.dialect, before.plan.dialect);
    EXPECT_EQ(after.plan.parameter_count(), before.plan.parameter_count());
    for (const Layer& layer : before.plan.layers) {
      for (const Parameter& parameter : layer.parameters) {
        for (const std::size_t source : parameter.sources) {
          const std::string& name = before.source->tensors()[source].name;
          EXPECT_LT(relative_error(before.values(name), after.values(name)), 0.02)
              << entry.path() << " " << name;
        }
      }
    }
  }
}

TEST_F(Convert, IsTheSameForEveryNumberOfThreads) {
  convert(kClassics, out_, quantising(3, 32));
  ConvertOptions alone = quantising(3, 32);
  alone.threads = 1;
  convert(kClassics, scratch_.path() / "one", alone);
  EXPECT_EQ(text_of(out_ / "model.safetensors"),
            text_of(scratch_.path() / "one" / "model.safetensors"));
}

TEST_F(Convert, MinMaxIsWorseThanTheSearch) {
  ConvertOptions options = quantising();
  convert(kClassics, out_, options);
  options.recipe->search = false;
  convert(kClassics, scratch_.path() / "minmax", options);
  const Opened before(kClassics), search(out_), plain(scratch_.path() / "minmax");
  for (const char* name : {"lm_head.weight", "backbone.blocks.4.ffn.proj_up.weight"}) {
    EXPECT_LT(relative_error(before.values(name), search.values(name)),
              0.97 * relative_error(before.values(name), plain.values(name)));
  }
}

TEST_F(Convert, RefusesWhatIsQuantised) {
  convert(kClassics, out_, quantising());
  const fs::path again = scratch_.path() / "again";
  EXPECT_THAT(message_of(ErrorKind::kModel, [&] { convert(out_, again, quantising(8)); }),
              HasSubstr("wanted a model that is not quantised"));
  EXPECT_FALSE(fs::exists(again));
}

// Another type for the rest leaves what is quantised as it is.
TEST_F(Convert, PassesQuantisedTensorsThrough) {
  ConvertOptions options = quantising();
  options.recipe->exclude = {"head"};
  convert(kClassics, out_, options);
  const fs::path again = scratch_.path() / "again";
  convert(out_, again, typed(DType::kF32));
  const Opened before(out_), after(again);
  EXPECT_EQ(after.plan.layer("lm_head").dtype, "F32");
  EXPECT_EQ(after.plan.layer("embedding").dtype, "4-bit/64");
  for (const TensorInfo& tensor : before.source->tensors()) {
    if (tensor.name.ends_with(".scales") || tensor.name.ends_with(".biases")) continue;
    EXPECT_EQ(before.values(tensor.name), after.values(tensor.name)) << tensor.name;
  }
}

TEST_F(Convert, RefusesToConvertOntoItself) {
  const fs::path copy = scratch_.path() / "copy";
  fs::copy(kClassics, copy);
  const auto names = names_in(copy);
  ConvertOptions options = quantising();
  for (const bool replace : {false, true}) {
    options.replace = replace;
    for (const fs::path& to : {copy, copy / ".", scratch_.path() / "x/../copy"}) {
      if (to.string().find("x/..") != std::string::npos)
        fs::create_directory(scratch_.path() / "x");
      EXPECT_THAT(message_of(ErrorKind::kUsage, [&] { convert(copy, to, options); }),
                  HasSubstr("another place than that of the model"));
    }
  }
  fs::create_directory_symlink(copy, scratch_.path() / "link");
  EXPECT_THROW(convert(copy, scratch_.path() / "link", options), Error);
  EXPECT_EQ(names_in(copy), names);
}

TEST_F(Convert, RefusesWhatIsInTheWay) {
  const auto refusal = [&](bool replace) {
    ConvertOptions options = quantising();
    options.replace = replace;
    return message_of(ErrorKind::kUsage, [&] { convert(kClassics, out_, options); });
  };
  std::ofstream(out_) << "mine";
  EXPECT_THAT(refusal(false), HasSubstr("wanted a name that is free"));
  EXPECT_THAT(refusal(true), HasSubstr("wanted a model's folder to replace"));
  EXPECT_EQ(text_of(out_), "mine");
  fs::remove(out_);

  fs::create_directory(out_);
  std::ofstream(out_ / "letter.txt") << "mine";
  EXPECT_THAT(refusal(false), HasSubstr("wanted a name that is free"));
  EXPECT_THAT(refusal(true), HasSubstr("wanted a model's folder to replace"));
  std::ofstream(out_ / "config.json") << "{}";
  fs::create_directory(out_ / "photos");
  EXPECT_THAT(refusal(true), HasSubstr("one with a folder in it, \"photos\""));
  EXPECT_EQ(text_of(out_ / "letter.txt"), "mine");
  EXPECT_EQ(names_in(scratch_.path()), std::set<std::string>{"out"});
}

TEST_F(Convert, ReplacesAModelWhenTold) {
  convert(kClassics, out_, quantising(8));
  ConvertOptions options = quantising(4);
  options.replace = true;
  convert(kClassics, out_, options);
  EXPECT_EQ(Opened(out_).plan.find_parameter("lm_head.weight")->packed->format.bits, 4);
  EXPECT_EQ(names_in(scratch_.path()), std::set<std::string>{"out"});
}

TEST_F(Convert, AnEmptyFolderIsNothing) {
  fs::create_directory(out_);
  convert(kClassics, out_, quantising());
  EXPECT_TRUE(fs::exists(out_ / "model.safetensors"));
}

TEST_F(Convert, NameWithASlashAtItsEnd) {
  convert(kClassics, out_ / "", quantising());
  EXPECT_TRUE(fs::exists(out_ / "model.safetensors"));
}

TEST_F(Convert, NameThatEndsInADot) {
  fs::create_directory(out_);
  convert(kClassics, out_ / ".", quantising());
  EXPECT_TRUE(fs::exists(out_ / "model.safetensors"));
  EXPECT_EQ(names_in(scratch_.path()), std::set<std::string>{"out"});
}

// Something that came while a conversion ran is not ours to remove.
TEST_F(Convert, WhatAppearsMeanwhileStays) {
  ConvertOptions options = quantising();
  options.on_progress = [&](double) {
    fs::create_directory(out_);
    std::ofstream(out_ / "theirs") << "x";
  };
  EXPECT_THROW(convert(kClassics, out_, options), Error);
  EXPECT_EQ(names_in(out_), std::set<std::string>{"theirs"});
  EXPECT_EQ(names_in(scratch_.path()), std::set<std::string>{"out"});
}

// The old model stays, and nothing else, wherever it is stopped.
TEST_F(Convert, InterruptedLeavesNothing) {
  convert(kClassics, out_, quantising(8));
  const std::string old = text_of(out_ / "model.safetensors");
  for (const double share : {0.0, 0.3, 1.0}) {
    ConvertOptions options = quantising(4);
    options.replace = true;
    options.on_progress = [share](double done) {
      if (done >= share) throw std::runtime_error("stop");
    };
    EXPECT_THROW(convert(kClassics, out_, options), std::runtime_error);
    EXPECT_EQ(text_of(out_ / "model.safetensors"), old);
    EXPECT_EQ(names_in(scratch_.path()), std::set<std::string>{"out"});
  }
}

// A file that may not grow stands for a disk that is full.
TEST_F(Convert, FullDiskLeavesNothing) {
  for (const rlim_t bytes : {rlim_t{100}, rlim_t{100'000}, rlim_t{4'000'000}}) {
    const FileSizeLimit limit(bytes);
    EXPECT_THAT(message_of(ErrorKind::kFile, [&] { convert(kClassics, out_, quantising()); }),
                HasSubstr("cannot write"));
    EXPECT_TRUE(names_in(scratch_.path()).empty());
  }
}

TEST_F(Convert, FolderThatIsNotThere) {
  EXPECT_THAT(message_of(ErrorKind::kFile,
                         [&] { convert(kClassics, scratch_.path() / "no/such", quantising()); }),
              HasSubstr("cannot create a folder beside it"));
  EXPECT_THROW(convert(scratch_.path() / "none", out_, quantising()), Error);
}

TEST_F(Convert, FormatsAndKindsThatWeDoNotHave) {
  EXPECT_THAT(message_of(ErrorKind::kUsage, [&] { convert(kClassics, out_, quantising(7)); }),
              HasSubstr("got affine, 7 bits"));
  ConvertOptions options = quantising();
  options.recipe->exclude = {"attention"};
  EXPECT_THAT(message_of(ErrorKind::kUsage, [&] { convert(kClassics, out_, options); }),
              HasSubstr("\"attention\""));
  EXPECT_FALSE(fs::exists(out_));
}

}  // namespace
}  // namespace xlstm::testing
