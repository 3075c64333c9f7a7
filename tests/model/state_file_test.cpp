#include "xlstm/model/state_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "tests/base/grouping_locale.h"
#include "tests/model/fixture.h"
#include "tests/weights/copied_tensors.h"
#include "xlstm/base/error.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm::testing {
namespace {
namespace fs = std::filesystem;

const Model& model() {
  static const Model kModel = open_odd_model();
  return kModel;
}

class StateFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) /
              ("xlstm_state_" +
               std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) +
               std::to_string(::getpid()));
    fs::create_directories(folder_);
    file_ = folder_ / "a.state";
    state_ =
        model()
            .prefill(tokens_of(random_ids(150, model().plan().dims.V, 21)), model().initial_state())
            .state;
  }
  void TearDown() override { fs::remove_all(folder_); }

  // What loading `file_` throws, or "" when it does not.
  std::string load_error() const {
    try {
      load_state(file_, model());
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }

  std::string bytes() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& bytes) const { std::ofstream(file_, std::ios::binary) << bytes; }

  fs::path folder_, file_;
  ModelState state_;
};

TEST_F(StateFile, SaveLoadContinueIsOneRun) {
  save_state(file_, state_, model());
  const ModelState loaded = load_state(file_, model());
  EXPECT_EQ(loaded.positions, (std::vector<std::uint64_t>{150}));
  EXPECT_EQ(state_difference(loaded, state_), 0.0);
  const auto next = tokens_of(random_ids(70, model().plan().dims.V, 22));
  EXPECT_EQ(values_of(model().forward(next, loaded).logits),
            values_of(model().forward(next, state_).logits));
}

TEST_F(StateFile, BatchesKeepTheirRows) {
  const ModelState batch = ModelState::stack({state_, model().initial_state(), state_});
  save_state(file_, batch, model());
  const ModelState loaded = load_state(file_, model());
  EXPECT_EQ(loaded.positions, (std::vector<std::uint64_t>{150, 0, 150}));
  EXPECT_EQ(state_difference(loaded, batch), 0.0);
}

TEST_F(StateFile, AnotherModelsStateIsRefused) {
  const Model other = open_model(data_folder() / "golden/large-plain");
  save_state(file_, other.initial_state(), other);
  EXPECT_THAT(load_error(),
              ::testing::HasSubstr("wanted a state of this model (" + model().fingerprint()));
}

TEST_F(StateFile, EveryTruncationIsRefused) {
  save_state(file_, state_, model());
  const std::string whole = bytes();
  for (std::size_t size = 0; size < whole.size(); size += 1 + size / 3) {
    write(whole.substr(0, size));
    EXPECT_NE(load_error(), "") << size << " of " << whole.size() << " bytes";
  }
}

TEST_F(StateFile, DamagedMetadataIsRefused) {
  const std::map<std::string, std::string> good = {
      {"format", "xlstm-state-1"}, {"model", model().fingerprint()}, {"positions", "0"}};
  const auto with = [&](const char* key, const char* value) {
    auto metadata = good;
    metadata[key] = value;
    write_safetensors(file_, {}, metadata);
    return load_error();
  };
  EXPECT_THAT(with("format", "something"),
              ::testing::HasSubstr("wanted \"xlstm-state-1\", got \"something\""));
  for (const char* positions :
       {"", ",", "1,", "-1", "x", "1 2", "18446744073709551615", "99999999999999999999999"}) {
    EXPECT_THAT(with("positions", positions), ::testing::HasSubstr("wanted positions"))
        << positions;
  }
  EXPECT_THAT(with("positions", "3"), ::testing::HasSubstr("tensors, got 0"));
}

TEST_F(StateFile, AFlippedBitIsRefused) {
  save_state(file_, state_, model());
  std::string text = bytes();
  text[text.size() - 100] = static_cast<char>(text[text.size() - 100] ^ 1);
  write(text);
  EXPECT_THAT(load_error(), ::testing::HasSubstr("the file is damaged"));
}

TEST_F(StateFile, WrongShapesAreNamed) {
  save_state(file_, state_, model());
  std::string text = bytes();
  // One position more than the arrays have rows.
  const auto at = text.find("\"positions\":\"150\"");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 17, "\"positions\":\"1,0\"");
  write(text);
  EXPECT_THAT(load_error(), ::testing::HasSubstr("blocks.0.C F32 [2, "));
}

TEST_F(StateFile, IsTheSameInAHostThatGroupsDigits) {
  state_.positions = {3601};
  save_state(file_, state_, model());
  const std::string wanted = bytes();
  const GroupingLocale host;
  save_state(file_, state_, model());
  EXPECT_EQ(bytes(), wanted);
  EXPECT_EQ(load_state(file_, model()).positions, (std::vector<std::uint64_t>{3601}));
}

TEST_F(StateFile, PositionsThatVersion010WroteWithMarksAreRead) {
  state_.positions = {1234567};
  save_state(file_, state_, model());
  const auto source = open_safetensors(file_);
  const CopiedTensors copied(*source);
  const fs::path marked = folder_ / "marked.state";
  for (const char* positions :
       {"1,234,567", "1.234.567", "1 234 567", "1'234'567", "12,34,567", "1234567"}) {
    auto metadata = source->metadata();
    metadata["positions"] = positions;
    write_safetensors(marked, copied.tensors, metadata);
    EXPECT_EQ(load_state(marked, model()).positions, (std::vector<std::uint64_t>{1234567}))
        << positions;
  }
}

TEST_F(StateFile, AMissingFileOrFolderIsNamed) {
  EXPECT_THAT(load_error(), ::testing::HasSubstr("a.state"));
  EXPECT_THROW(save_state(folder_ / "no" / "such" / "a.state", state_, model()), Error);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(StateFile, OtherConstantsMakeAnotherModel) {
  const auto folder = data_folder() / "golden/large-odd-heads";
  const auto source = open_weights(folder);
  const Plan plan = discover(folder, *source);
  const auto fingerprint_with = [&](auto change) {
    Plan changed = plan;
    change(changed.dims);
    return Model::load(changed, *source).fingerprint();
  };
  EXPECT_EQ(fingerprint_with([](LargeDims&) {}), model().fingerprint());
  const std::vector<std::string> others = {
      fingerprint_with([](LargeDims& d) { d.norm_eps *= 2; }),
      fingerprint_with([](LargeDims& d) { d.cell_eps *= 2; }),
      fingerprint_with([](LargeDims& d) { d.gate_soft_cap = 77.0F; }),
      fingerprint_with([](LargeDims& d) { d.gate_soft_cap.reset(); }),
      fingerprint_with([](LargeDims& d) { d.output_logit_soft_cap = 77.0F; }),
      fingerprint_with([](LargeDims& d) { d.output_logit_soft_cap.reset(); }),
  };
  EXPECT_THAT(others, ::testing::Each(::testing::Ne(model().fingerprint())));
  EXPECT_EQ(std::set<std::string>(others.begin(), others.end()).size(), others.size());
}

}  // namespace
}  // namespace xlstm::testing
