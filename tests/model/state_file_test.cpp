#include "xlstm/model/state_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <set>
#include <span>

#include "tests/model/fixture.h"
#include "tests/support/copied_tensors.h"
#include "tests/support/grouping_locale.h"
#include "xlstm/base/error.h"
#include "xlstm/base/hash.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm::testing {
namespace {
namespace fs = std::filesystem;
namespace mx = mlx::core;

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

  // What `call` throws, or "" when it does not.
  template <typename Call>
  static std::string error_of(const Call& call) {
    try {
      call();
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }
  std::string load_error() const {
    return error_of([this] { load_state(file_, model()); });
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

TEST_F(StateFile, HoldsWhatComesNext) {
  state_.next_logits = mx::full({1, 1, static_cast<int>(model().plan().dims.V)}, 0.25F);
  save_state(file_, state_, model());
  const ModelState loaded = load_state(file_, model());
  ASSERT_TRUE(loaded.next_logits.has_value());
  EXPECT_EQ(values_of(*loaded.next_logits), values_of(*state_.next_logits));
  state_.next_logits.reset();  // as version 0.1.0 saved it
  save_state(file_, state_, model());
  EXPECT_FALSE(load_state(file_, model()).next_logits.has_value());
}

TEST_F(StateFile, NumbersThatAreNotFiniteAreTheStatesFault) {
  ModelState damaged = state_;
  damaged.blocks[1].n = damaged.blocks[1].n + mx::array(std::numeric_limits<float>::quiet_NaN());
  EXPECT_THAT(error_of([&] { save_state(file_, damaged, model()); }),
              ::testing::HasSubstr("wanted a state of finite numbers, got nan in blocks.1.n"));
  EXPECT_FALSE(fs::exists(file_));

  // Such a file may come from elsewhere, its hash right.
  save_state(file_, state_, model());
  const auto source = open_safetensors(file_);
  CopiedTensors copied(*source);
  std::vector<TensorToWrite>& tensors = copied.tensors;
  const std::vector<float> infinite(tensors.back().bytes.size() / sizeof(float),
                                    std::numeric_limits<float>::infinity());
  tensors.back().bytes = std::as_bytes(std::span(infinite));
  auto metadata = source->metadata();
  Hash hash;
  for (std::size_t i = 0; i < tensors.size(); i += 3) {  // sorted: C, m, n; hashed: C, n, m
    for (const std::size_t part : {i, i + 2, i + 1}) hash.add(tensors[part].bytes);
  }
  metadata["hash"] = std::to_string(hash.value());
  write_safetensors(folder_ / "damaged", tensors, metadata);
  EXPECT_THAT(error_of([&] { load_state(folder_ / "damaged", model()); }),
              ::testing::HasSubstr("got inf in " + tensors.back().name));
}

TEST_F(StateFile, OfAnotherModelSaysWhatDiffers) {
  save_state(file_, state_, model());
  const auto folder = data_folder() / "golden/large-odd-heads";
  const auto weights = open_weights(folder);
  const auto error_with = [&](auto change) {
    Plan plan = discover(folder, *weights);
    change(plan);
    const Model other = Model::load(plan, *weights);
    return error_of([&] { load_state(file_, other); });
  };
  EXPECT_THAT(error_with([](Plan& plan) { plan.dims.norm_eps *= 2; }),
              ::testing::HasSubstr("): constants \"norm eps 1e-06, "));
  EXPECT_THAT(error_with([](Plan& plan) {
                plan.name = "another";
                plan.dims.norm_eps *= 2;
              }),
              ::testing::HasSubstr("; name \"large-odd-heads\" instead of \"another\""));
  const StateOwner same_but_weights = {model().plan().dims, "0123456789abcdef",
                                       model().description()};
  EXPECT_THAT(
      error_of([&] { read_state(*open_safetensors(file_), same_but_weights, file_.string()); }),
      ::testing::HasSubstr("differs in its weights alone"));
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
