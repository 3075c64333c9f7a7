// Choices that are measured, kept in a file and read again.
#include "xlstm/engine/tuning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/backend/backends.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/cpu/cpu_backend.h"
#include "xlstm/mlx/mlx_backend.h"

namespace xlstm::testing {
namespace {

namespace fs = std::filesystem;

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

class Tuning : public ::testing::Test {
 protected:
  // MLX's definitions, which leave the length of a chunk to be chosen.
  static std::shared_ptr<Backend> definitions() {
    return mlx::make_backend({.device = mlx::DeviceKind::kCpu, .threads = 1});
  }
  static int chunk_of(const Backend& backend) { return backend.tuning_choices().at(0).value; }

  fs::path file() const { return folder_.path() / "some" / "where" / "device.json"; }
  void write(const std::string& text) const {
    fs::create_directories(file().parent_path());
    write_file(file(), text);
  }
  // What a person is told when it is read.
  std::vector<std::string> notices(Backend& backend) const {
    std::vector<std::string> told;
    load_tuning(backend, file(), [&](std::string_view notice) { told.emplace_back(notice); });
    return told;
  }

  TemporaryFolder folder_;
};

TEST_F(Tuning, TheFastestOfEachChoiceIsLeftInUse) {
  const auto backend = definitions();
  ASSERT_EQ(chunk_of(*backend), 64);
  std::vector<std::string> made;
  const auto tuned = tune(
      *backend, [&](const TuningChoice&) { return chunk_of(*backend) == 128 ? 0.5 : 1.0; },
      [&](const TunedChoice& choice) { made.push_back(choice.name); });
  EXPECT_EQ(chunk_of(*backend), 128);
  ASSERT_EQ(tuned.size(), 1U);
  EXPECT_EQ(tuned[0].before, 64);
  EXPECT_EQ(tuned[0].chosen, 128);
  EXPECT_THAT(tuned[0].measured,
              ::testing::ElementsAre(std::pair{16, 1.0}, std::pair{32, 1.0}, std::pair{64, 1.0},
                                     std::pair{128, 0.5}, std::pair{256, 1.0}));
  EXPECT_THAT(made, ::testing::ElementsAre("chunk"));
}

TEST_F(Tuning, WhatIsHardlyFasterIsNotChosen) {
  const auto backend = definitions();
  tune(*backend,
       [&](const TuningChoice&) { return chunk_of(*backend) == 64 ? 1.0 : 1 - kLeastGain / 2; });
  EXPECT_EQ(chunk_of(*backend), 64);
}

TEST_F(Tuning, AMeasurementThatFailsLeavesChoicesAsTheyWere) {
  const auto backend = definitions();
  EXPECT_THROW(tune(*backend,
                    [&](const TuningChoice&) {
                      if (chunk_of(*backend) == 32) throw std::runtime_error("no");
                      return 1.0;
                    }),
               std::runtime_error);
  EXPECT_EQ(chunk_of(*backend), 64);
}

TEST_F(Tuning, OnlyWhatABackendHasCanBeChosen) {
  const auto backend = definitions();
  expect_error(ErrorKind::kUsage, {"chunk", "65"}, [&] { backend->choose("chunk", 65); });
  expect_error(ErrorKind::kUsage, {"mlx cpu", "tile"}, [&] { backend->choose("tile", 64); });
  const auto cpu = cpu::make_backend(2);
  EXPECT_TRUE(cpu->tuning_choices().empty());
  EXPECT_TRUE(tuning_file(*cpu).empty());
  expect_error(ErrorKind::kUsage, {"cpu", "chunk"}, [&] { cpu->choose("chunk", 64); });
}

TEST_F(Tuning, WhatIsKeptIsInUseAgain) {
  const auto backend = definitions();
  backend->choose("chunk", 32);
  save_tuning(*backend, file());
  const auto other = definitions();
  EXPECT_THAT(notices(*other), ::testing::IsEmpty());
  EXPECT_EQ(chunk_of(*other), 32);
}

TEST_F(Tuning, NoFileSaysNothing) {
  const auto backend = definitions();
  EXPECT_THAT(notices(*backend), ::testing::IsEmpty());
  EXPECT_EQ(chunk_of(*backend), 64);
}

TEST_F(Tuning, BadFilesChangeNothingAndAreTold) {
  const auto saved = definitions();
  saved->choose("chunk", 32);
  save_tuning(*saved, file());
  const std::string good = content_of(file());
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  for (const auto& [text, word] : std::vector<std::pair<std::string, std::string>>{
           {good.substr(0, good.size() / 2), "device.json"},
           {"", "device.json"},
           {"[]", "device.json"},
           {std::string(1 << 17, ' '), "bytes"},
           {changed("\"version\": 1", "\"version\": 2"), "version"},
           {changed("\"version\": 1", "\"version\": \"x\""), "version"},
           {changed("MLX 0", "MLX 9"), "MLX 9"},
           {changed("xlstm 0", "xlstm 9"), "xlstm 9"},
           {changed("\"chunk\": 32", "\"chunk\": 33"), "33"},
           {changed("\"chunk\": 32", "\"chunk\": \"32\""), "chunk"},
           {changed("\"chunk\": 32", "\"chunk\": 99999999999"), "99999999999"},
           {changed("{\n    \"chunk\": 32\n  }", "7"), "device.json"}}) {
    write(text);
    const auto backend = definitions();
    EXPECT_THAT(notices(*backend), ::testing::ElementsAre(::testing::HasSubstr(word))) << text;
    EXPECT_EQ(chunk_of(*backend), 64) << text;
    load_tuning(*backend, file(), {});  // nobody to be told
  }
}

TEST_F(Tuning, AFolderThatCannotBeMadeIsTold) {
  write_file(folder_.path() / "some", "a file");
  const auto backend = definitions();
  expect_error(ErrorKind::kFile, {"device.json"}, [&] { save_tuning(*backend, file()); });
}

TEST_F(Tuning, FilesAreNamedAfterDevicesBelowTheCacheFolder) {
  ::setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1);
  const fs::path name = tuning_file(*definitions());
  ::unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(name.parent_path(), folder_.path() / "xlstm" / "tuning");
  EXPECT_THAT(name.filename().string(), ::testing::MatchesRegex("mlx_cpu_[A-Za-z0-9_.-]+[.]json"));
}

}  // namespace
}  // namespace xlstm::testing
