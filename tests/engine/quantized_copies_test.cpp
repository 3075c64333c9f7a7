#include "xlstm/engine/quantized_copies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <thread>
#include <vector>

#include "tests/engine/classics_engine.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/copy_record.h"

namespace xlstm::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A model of its own, whose files may change, and a folder for copies.
class QuantizedCopies : public ::testing::Test {
 protected:
  QuantizedCopies() {
    fs::copy(classics_folder(), model_);
    options_.quantization = Quantization{.bits = 4};
    options_.device = "cpu";
    options_.quantized_copies = folder_ / "cache/quantized";
    options_.on_notice = [this](std::string_view notice) {
      notices_ += std::string(notice) + "\n";
    };
  }

  // The text after a prompt, and what was told meanwhile in notices_.
  std::string answer() {
    notices_.clear();
    return Engine::open(model_.string(), options_).complete(greedy("It was a", 24)).text;
  }
  std::vector<QuantizedCopy> copies() const {
    return list_quantized_copies(options_.quantized_copies);
  }

  TemporaryFolder folder_;
  const fs::path model_ = folder_ / "model";
  EngineOptions options_;
  std::string notices_;
};

TEST_F(QuantizedCopies, TheSecondTimeItIsThereAndAnswersTheSame) {
  const std::string first = answer();
  EXPECT_THAT(notices_, HasSubstr("quantising once"));
  ASSERT_EQ(copies().size(), 1U);
  const QuantizedCopy copy = copies().front();
  EXPECT_EQ(copy.model, model_);
  EXPECT_EQ(copy.format, "4-bit/64");
  EXPECT_TRUE(copy.current);
  EXPECT_LT(copy.bytes, fs::file_size(model_ / "model-00001-of-00002.safetensors") * 2);

  const auto written = fs::last_write_time(copy.folder / "model.safetensors");
  EXPECT_EQ(answer(), first);
  EXPECT_EQ(notices_, "");
  EXPECT_EQ(fs::last_write_time(copy.folder / "model.safetensors"), written);

  options_.quantized_copies.clear();
  EXPECT_EQ(answer(), first);
  EXPECT_EQ(Engine::open(model_.string(), options_).plan().name, "model");
}

TEST_F(QuantizedCopies, EachFormatHasItsOwn) {
  answer();
  options_.quantization->bits = 8;
  answer();
  options_.quantization->group_size = 32;
  answer();
  ASSERT_EQ(copies().size(), 3U);
  EXPECT_EQ(copies()[2].format, "8-bit/64");
}

TEST_F(QuantizedCopies, AModelThatChangedIsQuantisedAnewAndTheOldCopyGoes) {
  answer();
  const fs::path before = copies().front().folder;
  fs::last_write_time(model_ / "config.json",
                      fs::last_write_time(model_ / "config.json") + std::chrono::seconds(1));
  EXPECT_FALSE(copies().front().current);
  answer();
  EXPECT_THAT(notices_, HasSubstr("quantising once"));
  ASSERT_EQ(copies().size(), 1U);
  EXPECT_NE(copies().front().folder, before);
  EXPECT_TRUE(copies().front().current);
}

TEST_F(QuantizedCopies, OneThatIsDamagedIsMadeAnew) {
  const std::string first = answer();
  const fs::path copy = copies().front().folder;
  const std::function<void()> damages[] = {
      [&] { fs::remove(copy.string() + ".json"); },
      [&] { std::ofstream(copy.string() + ".json") << "{"; },
      [&] { std::ofstream(copy.string() + ".json") << R"({"model": 3})"; },
      [&] { std::ofstream(copy.string() + ".json") << "[]"; },
      [&] { std::ofstream(copy.string() + ".json") << "3"; },
      [&] { fs::remove(copy / "config.json"); },
      [&] { fs::remove(copy / "model.safetensors"), fs::create_directory(copy / "thumbnails"); },
      [&] { fs::resize_file(copy / "model.safetensors", 1000); },
      [&] { fs::remove_all(copy); }};
  for (const auto& damage : damages) {
    damage();
    EXPECT_EQ(answer(), first);
    EXPECT_THAT(notices_, HasSubstr("quantising once"));
    ASSERT_EQ(copies().size(), 1U);
    EXPECT_TRUE(copies().front().current);
  }
}

// Records as no version of ours writes them are no copies, and nothing falls over them.
TEST_F(QuantizedCopies, ForeignRecordsAreNone) {
  answer();
  const fs::path copy = copies().front().folder;
  for (const char* text : {"[]", "\"x\"", "{}", R"({"files": 1})", "", "nonsense"}) {
    std::ofstream(copy.string() + ".json") << text;
    ASSERT_EQ(copies().size(), 1U);
    EXPECT_TRUE(copies().front().model.empty()) << text;
  }
  Json record = *copy_record(model_, {"config.json"}, {.bits = 4});
  record["copy"] = Json::object();
  record["bits"] = 99999999999;
  std::ofstream(copy.string() + ".json") << record.dump();
  EXPECT_TRUE(copies().front().model.empty());
}

// As the hub's cache has them: links to blobs that are named by their contents.
TEST_F(QuantizedCopies, ANewCommitOfTheSameWeightsNeedsNoNewCopy) {
  const fs::path repository = folder_ / "models--org--name";
  fs::create_directories(repository / "blobs");
  const auto commit = [&](const std::string& name) {
    fs::create_directories(repository / "snapshots" / name);
    for (const auto& entry : fs::directory_iterator(model_)) {
      const fs::path file = entry.path().filename();
      fs::copy_file(entry.path(), repository / "blobs" / file, fs::copy_options::skip_existing);
      fs::create_symlink(fs::path("../../blobs") / file, repository / "snapshots" / name / file);
    }
    return Engine::open((repository / "snapshots" / name).string(), options_);
  };
  EXPECT_EQ(commit("one").plan().name, "org/name");
  ASSERT_EQ(copies().size(), 1U);
  EXPECT_EQ(copies().front().name, "org/name");
  EXPECT_EQ(copies().front().model, repository);
  notices_.clear();
  commit("two");
  EXPECT_EQ(notices_, "");
  EXPECT_EQ(copies().size(), 1U);
  fs::remove_all(repository / "snapshots/one");
  EXPECT_TRUE(copies().front().current);
  fs::remove_all(repository / "snapshots/two");
  EXPECT_FALSE(copies().front().current);
}

TEST_F(QuantizedCopies, WhatAKilledProcessLeftGoesWithTheNextCopy) {
  folder_.file("cache/quantized/.xlstm-1-ab.tmp/model.safetensors", "half");
  EXPECT_TRUE(copies().front().model.empty());
  answer();
  ASSERT_EQ(copies().size(), 1U);
  EXPECT_TRUE(copies().front().current);
}

TEST_F(QuantizedCopies, TwoAtOnceMakeOne) {
  std::string answers[2];
  std::vector<std::thread> threads;
  options_.on_notice = {};
  for (std::string& text : answers) {
    threads.emplace_back([this, &text] {
      text = Engine::open(model_.string(), options_).complete(greedy("It was a", 24)).text;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answers[0], answers[1]);
  ASSERT_EQ(copies().size(), 1U);
  EXPECT_TRUE(copies().front().current);
}

TEST_F(QuantizedCopies, DamageIsFound) {
  answer();
  const fs::path copy = copies().front().folder;
  EXPECT_THAT(damaged_files(copy, {}), ::testing::IsEmpty());
  std::fstream weights(copy / "model.safetensors", std::ios::in | std::ios::out);
  weights.seekp(-1, std::ios::end);
  weights.put('\x55');
  weights.close();
  EXPECT_THAT(damaged_files(copy, {}), ::testing::ElementsAre(copy / "model.safetensors"));
}

TEST_F(QuantizedCopies, WhereNoneCanBeWrittenTheModelIsQuantisedInMemory) {
  const std::string first = answer();
  folder_.file("file", "no folder");
  options_.quantized_copies = folder_ / "file/quantized";
  EXPECT_EQ(answer(), first);
  EXPECT_THAT(notices_, AllOf(HasSubstr("no quantised copy is kept"), HasSubstr("file")));
}

TEST_F(QuantizedCopies, WhatStopsTheWorkLeavesNothing) {
  options_.on_load_progress = [](double share) {
    if (share > 0.3) throw std::runtime_error("stopped");
  };
  EXPECT_THROW(answer(), std::runtime_error);
  EXPECT_TRUE(copies().empty());
}

TEST_F(QuantizedCopies, WhatIsQuantisedAlreadyGetsNone) {
  answer();
  const Engine copy = Engine::open(copies().front().folder.string(), options_);
  EXPECT_EQ(copies().size(), 1U);
}

TEST_F(QuantizedCopies, RemovingTakesCopyAndRecord) {
  answer();
  const fs::path copy = copies().front().folder;
  remove_quantized_copy(copies().front());
  EXPECT_TRUE(copies().empty());
  EXPECT_FALSE(fs::exists(copy.string() + ".json"));
}

}  // namespace
}  // namespace xlstm::test
