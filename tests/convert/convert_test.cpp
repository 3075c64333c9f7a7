#include "xlstm/convert/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

#include "tests/base/file_size_limit.h"
#include "tests/base/temporary_folder.h"
#include "tests/wiring/expect_error.h"
#include "xlstm/base/floats.h"
#include "xlstm/base/json.h"
#include "xlstm/base/threads.h"
#include "xlstm/kernels/quantized_linear/quantized_linear.h"
#include "xlstm/weights/safetensors.h"
#include "xlstm/wiring/discover.h"

namespace xlstm::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

const fs::path kClassics = fs::path(XLSTM_SOURCE_DIR) / "models/classics-8m";
const fs::path kGolden = fs::path(XLSTM_TEST_DATA) / "golden";

ConvertOptions quantising(int bits = 4, int group = 64,
                          QuantizationMode mode = QuantizationMode::kAffine) {
  ConvertOptions options;
  options.recipe = Recipe{};
  options.recipe->format = {mode, bits, group};
  return options;
}

ConvertOptions typed(DType dtype) {
  ConvertOptions options;
  options.dtype = dtype;
  return options;
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  EXPECT_TRUE(in) << file;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
  return names;
}

// A tensor of a checkpoint as float32, whatever it is stored as.
std::vector<float> values_of(const TensorSource& source, const Plan& plan,
                             const std::string& name) {
  const std::size_t index = source.find(name);
  const TensorInfo& info = source.tensors().at(index);
  const auto bytes = source.bytes(index);
  if (info.dtype != DType::kU32) {
    std::vector<float> out(bytes.size() / size_of(info.dtype));
    floats_from(bytes.data(), info.dtype, out.size(), out.data());
    return out;
  }
  for (const Node& node : plan.nodes) {
    for (const Slot& slot : node.slots) {
      const auto part = std::find(slot.sources.begin(), slot.sources.end(), index);
      if (part == slot.sources.end()) continue;
      const auto at = static_cast<std::size_t>(part - slot.sources.begin());
      const Quantization& format = slot.packed->format;
      const auto type = slot.packed->scale_type == DType::kF32   ? kernels::WeightType::kF32
                        : slot.packed->scale_type == DType::kF16 ? kernels::WeightType::kF16
                                                                 : kernels::WeightType::kBF16;
      const auto biases = slot.packed->biases;
      // Tensors in a file need not be aligned.
      std::vector<std::uint32_t> words(bytes.size() / 4);
      std::memcpy(words.data(), bytes.data(), bytes.size());
      const kernels::QuantizedMatrix W{
          format, words.data(), source.bytes(slot.packed->scales[at]).data(),
          biases.empty() ? nullptr : source.bytes(biases[at]).data(), type};
      const auto N = static_cast<std::size_t>(info.shape[0]);
      const auto K = static_cast<std::size_t>(slot.shape[1]);
      std::vector<float> out(N * K);
      for (std::size_t n = 0; n < N; ++n) kernels::dequantize_row(W, n, K, out.data() + n * K);
      return out;
    }
  }
  ADD_FAILURE() << "no slot for " << name;
  return {};
}

struct Opened {
  explicit Opened(const fs::path& folder)
      : source(open_weights(folder)), plan(discover(folder, *source)) {}
  std::vector<float> values(const std::string& name) const {
    return values_of(*source, plan, name);
  }
  std::unique_ptr<TensorSource> source;
  Plan plan;
};

double relative_error(const std::vector<float>& wanted, const std::vector<float>& got) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    error += std::pow(static_cast<double>(wanted[i]) - got[i], 2);
    size += std::pow(static_cast<double>(wanted[i]), 2);
  }
  return std::sqrt(error / size);
}

// One tensor of the classics, in another type and with one number changed.
struct Changed {
  std::string name;
  DType dtype = DType::kBF16;
  std::size_t element = 0;
  float value = 0;
};

class Convert : public ::testing::Test {
 protected:
  // The classics with a tensor changed.
  fs::path changed(const Changed& change) const {
    const fs::path to = scratch_.path() / "changed";
    const auto source = open_weights(kClassics);
    std::vector<std::byte> bytes;
    std::vector<TensorToWrite> tensors;
    for (std::size_t i = 0; i < source->tensors().size(); ++i) {
      const TensorInfo& info = source->tensors()[i];
      tensors.push_back({info.name, info.dtype, info.shape, source->bytes(i)});
      if (info.name != change.name) continue;
      std::vector<float> values(info.bytes / size_of(info.dtype));
      floats_from(source->bytes(i).data(), info.dtype, values.size(), values.data());
      values.at(change.element) = change.value;
      bytes.resize(values.size() * size_of(change.dtype));
      floats_to(values.data(), values.size(), change.dtype, bytes.data());
      tensors.back() = {info.name, change.dtype, info.shape, bytes};
    }
    fs::create_directories(to);
    fs::copy(kClassics / "config.json", to / "config.json", fs::copy_options::skip_existing);
    write_safetensors(to / "model.safetensors", tensors, {});
    return to;
  }

  // The classics without a head of their own.
  fs::path tied() const {
    const fs::path to = scratch_.path() / "tied";
    fs::create_directory(to);
    const auto source = open_weights(kClassics);
    std::vector<TensorToWrite> tensors;
    for (std::size_t i = 0; i < source->tensors().size(); ++i) {
      const TensorInfo& info = source->tensors()[i];
      if (info.name == "lm_head.weight") continue;
      tensors.push_back({info.name, info.dtype, info.shape, source->bytes(i)});
    }
    write_safetensors(to / "model.safetensors", tensors, {});
    Json config = parse_json(text_of(kClassics / "config.json"), "config.json");
    config["tie_word_embeddings"] = true;
    std::ofstream(to / "config.json") << config;
    return to;
  }

  const TemporaryFolder scratch_;
  const fs::path out_ = scratch_.path() / "out";
};

// Normal weights in groups of 64 span about 4.8 deviations; a step is that over 2^bits - 1, and a
// rounding error is evenly spread over a step, its deviation step / sqrt(12): 0.093 with 4 bits.
TEST_F(Convert, QuantisedModelIsNearTheOriginal) {
  const ConvertReport report = convert(kClassics, out_, quantising());
  const Opened before(kClassics), after(out_);
  EXPECT_EQ(after.plan.parameters(), before.plan.parameters());
  EXPECT_EQ(report.parameters, before.plan.parameters());
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
      EXPECT_EQ(after.plan.find_slot("lm_head.weight")->packed->format, wanted);
      // 704 columns: 128 does not divide them, 64 does.
      const Quantization down{QuantizationMode::kAffine, bits, std::min(group, 64)};
      EXPECT_EQ(after.plan.find_slot("blocks.0.ffn.down.weight")->packed->format, down);
    }
  }
  convert(kClassics, scratch_.path() / "mx", quantising(4, 32, QuantizationMode::kMxfp4));
  const Opened after(scratch_.path() / "mx");
  EXPECT_EQ(after.plan.find_slot("lm_head.weight")->packed->format.mode, QuantizationMode::kMxfp4);
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
  options.recipe->keep = {"head", "down", "gates", "norms"};
  convert(kClassics, out_, options);
  const Opened before(kClassics), after(out_);
  EXPECT_FALSE(after.plan.find_slot("lm_head.weight")->packed);
  EXPECT_FALSE(after.plan.find_slot("blocks.2.ffn.down.weight")->packed);
  EXPECT_TRUE(after.plan.find_slot("blocks.2.ffn.up.weight")->packed);
  EXPECT_EQ(after.values("lm_head.weight"), before.values("lm_head.weight"));
}

// What is told of head or embedding goes before what is usual for both.
TEST_F(Convert, TiedHeadIsTheEmbedding) {
  const fs::path from = tied();
  const auto format_of = [&](ConvertOptions options) {
    options.replace = true;
    convert(from, out_, options);
    const auto packed = Opened(out_).plan.find_slot("embedding.weight")->packed;
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
    options.recipe->keep = {kind};
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
  options.recipe->keep = {"head"};
  EXPECT_THAT(refusal(options), HasSubstr("got embedding 8-bit/64, head kept"));
  options.recipe->keep = {"embedding"};
  EXPECT_THAT(refusal(options), HasSubstr("a format for embedding or that it is kept"));
  EXPECT_FALSE(fs::exists(out_));
}

TEST_F(Convert, OtherTypesWithoutQuantising) {
  convert(kClassics, out_, typed(DType::kF32));
  const Opened before(kClassics), wide(out_);
  EXPECT_EQ(wide.plan.node("embedding").dtype, "F32");
  EXPECT_EQ(wide.plan.node("out_norm").dtype, "BF16");  // norms as they were
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
  EXPECT_EQ(Opened(out_).plan.find_slot("lm_head.weight")->packed->scale_type, DType::kF16);
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
    const auto a = one.source->bytes(i), b = many.source->bytes(i);
    EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
  }
}

// Every dialect: fused tensors, biases, package names, tied heads, shards.
TEST_F(Convert, EveryGoldenModel) {
  for (const auto& entry : fs::directory_iterator(kGolden)) {
    if (!entry.is_directory()) continue;
    const fs::path to = scratch_.path() / entry.path().filename();
    convert(entry.path(), to, quantising(8, 32));
    const Opened before(entry.path()), after(to);
    EXPECT_EQ(after.plan.dialect, before.plan.dialect);
    EXPECT_EQ(after.plan.parameters(), before.plan.parameters());
    for (const TensorInfo& tensor : before.source->tensors()) {
      EXPECT_LT(relative_error(before.values(tensor.name), after.values(tensor.name)), 0.02)
          << entry.path() << " " << tensor.name;
    }
  }
}

TEST_F(Convert, IsTheSameForEveryNumberOfThreads) {
  convert(kClassics, out_, quantising(3, 32));
  set_thread_count(1);
  convert(kClassics, scratch_.path() / "one", quantising(3, 32));
  set_thread_count(0);
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
  options.recipe->keep = {"head"};
  convert(kClassics, out_, options);
  const fs::path again = scratch_.path() / "again";
  convert(out_, again, typed(DType::kF32));
  const Opened before(out_), after(again);
  EXPECT_EQ(after.plan.node("lm_head").dtype, "F32");
  EXPECT_EQ(after.plan.node("embedding").dtype, "4-bit/64");
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
                  HasSubstr("another folder than the one to convert"));
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
  EXPECT_EQ(Opened(out_).plan.find_slot("lm_head.weight")->packed->format.bits, 4);
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
  options.recipe->keep = {"attention"};
  EXPECT_THAT(message_of(ErrorKind::kUsage, [&] { convert(kClassics, out_, options); }),
              HasSubstr("\"attention\""));
  EXPECT_FALSE(fs::exists(out_));
}

// Weights that are no numbers, and numbers too large for the type wanted.
TEST_F(Convert, RefusesNumbersThatItCannotWrite) {
  const auto refusal = [&](const Changed& change, const ConvertOptions& options) {
    const fs::path from = changed(change);
    return message_of(ErrorKind::kModel, [&] { convert(from, out_, options); });
  };
  constexpr std::size_t kAt = 5 * 256 + 7;
  const float nan = std::nanf(""), infinity = std::numeric_limits<float>::infinity();
  Changed head = {"lm_head.weight", DType::kBF16, kAt, nan};
  EXPECT_THAT(refusal(head, quantising()),
              HasSubstr("[lm_head.weight] wanted finite weights, got nan in row 5, column 7"));
  EXPECT_THAT(refusal(head, typed(DType::kF16)), HasSubstr("[lm_head.weight] wanted finite"));
  head.value = 1e6F;
  EXPECT_THAT(refusal(head, typed(DType::kF16)), HasSubstr("that F16 can hold, got "));
  head = {"lm_head.weight", DType::kF32, kAt, 65520};  // the first that is rounded up
  EXPECT_THAT(refusal(head, typed(DType::kF16)), HasSubstr("got 65520 at element 1287"));
  head.value = 3.4e38F;
  EXPECT_THAT(refusal(head, typed(DType::kBF16)), HasSubstr("that BF16 can hold, got 3.4e+38"));

  // What is only copied: a matrix of the type wanted, gates and norms.
  for (const Changed& change : {Changed{"lm_head.weight", DType::kBF16, kAt, nan},
                                Changed{"lm_head.weight", DType::kBF16, kAt, -infinity},
                                Changed{"backbone.out_norm.weight", DType::kBF16, 3, nan},
                                Changed{"backbone.out_norm.weight", DType::kF32, 3, infinity}}) {
    EXPECT_THAT(refusal(change, typed(DType::kBF16)),
                HasSubstr(str("[", change.name, "] wanted finite numbers")));
  }
  EXPECT_THAT(refusal({"backbone.out_norm.weight", DType::kF16, 3, nan}, quantising()),
              HasSubstr("[backbone.out_norm.weight] wanted finite numbers that F16 can hold"));
  EXPECT_EQ(names_in(scratch_.path()), (std::set<std::string>{"changed"}));
}

// Scales and biases in float16 of weights that are none.
TEST_F(Convert, RefusesScalesThatTheirTypeCannotHold) {
  ConvertOptions options = quantising();
  options.dtype = DType::kF16;
  const fs::path from = changed({"lm_head.weight", DType::kF32, 1287, -1e7F});
  for (const bool search : {false, true}) {
    options.recipe->search = search;
    EXPECT_THAT(message_of(ErrorKind::kModel, [&] { convert(from, out_, options); }),
                HasSubstr("[lm_head.weight] wanted weights whose scales and biases F16 can hold"));
  }
  options.dtype = DType::kBF16;
  convert(from, out_, options);
  EXPECT_EQ(names_in(scratch_.path()), (std::set<std::string>{"changed", "out"}));
}

TEST_F(Convert, WritesTheLargestNumbersThereAre) {
  convert(changed({"lm_head.weight", DType::kF32, 7, 65519}), out_, typed(DType::kF16));
  EXPECT_EQ(Opened(out_).values("lm_head.weight")[7], 65504.0F);
  ConvertOptions options = typed(DType::kBF16);
  options.replace = true;
  convert(changed({"lm_head.weight", DType::kF32, 7, 3.39e38F}), out_, options);
  EXPECT_TRUE(std::isfinite(Opened(out_).values("lm_head.weight")[7]));
}

TEST_F(Convert, ImportanceMovesTheError) {
  ConvertOptions options = quantising(2);
  convert(kClassics, out_, options);
  Importance importance;
  std::vector<float>& columns = importance["lm_head.weight"];
  columns.assign(256, 1.0F);
  for (std::size_t k = 0; k < 256; k += 16) columns[k] = 100.0F;
  options.importance = &importance;
  convert(kClassics, scratch_.path() / "led", options);
  const Opened before(kClassics), even(out_), led(scratch_.path() / "led");
  const auto error = [&](const Opened& model) {
    const auto wanted = before.values("lm_head.weight"), got = model.values("lm_head.weight");
    double sum = 0;
    for (std::size_t i = 0; i < wanted.size(); i += 16) {
      sum += std::pow(static_cast<double>(wanted[i]) - got[i], 2);
    }
    return sum;
  };
  EXPECT_LT(error(led), 0.8 * error(even));
}

}  // namespace
}  // namespace xlstm::testing
