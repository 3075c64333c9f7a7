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
#include "xlstm/base/json.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm::testing {
namespace {
namespace fs = std::filesystem;

const Model& model() {
  static const Model kModel = open_odd_model();
  return kModel;
}

// The model of large-odd-heads with other values in its config.
Model odd_model_with(const Json& changes, std::string_view name) {
  const fs::path folder = data_folder() / "golden/large-odd-heads";
  const auto weights = open_weights(folder);
  Json config = parse_json(read_config(folder, *weights).json, "config.json");
  config.update(changes);
  return Model::load(discover(config.dump(), *weights, name), *weights, cpu::make_backend(1));
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
    state_ = run_from_start(model(), random_ids(150, model().plan().V, 21)).states.front();
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
  State state_;
};

TEST_F(StateFile, SaveLoadContinueIsOneRun) {
  save_state(file_, state_, model());
  const State loaded = load_state(file_, model());
  EXPECT_EQ(loaded.position, 150U);
  EXPECT_EQ(state_difference(model().backend(), loaded, state_), 0.0);
  const auto next = random_ids(70, model().plan().V, 22);
  EXPECT_EQ(run(model(), {loaded}, next).logits, run(model(), {state_}, next).logits);
}

TEST_F(StateFile, MovesBetweenBackends) {
  save_state(file_, state_, model());
  const auto next = random_ids(20, model().plan().V, 23);
  const auto wanted = run(model(), {state_}, next).logits;
  for (const BackendCase& backend : float32_backends()) {
    const Model other = open_odd_model(backend.make());
    const State loaded = load_state(file_, other);
    EXPECT_LE(relative_difference(run(other, {loaded}, next).logits, wanted),
              2 * rounding_bound(model().plan(), 20))
        << backend.name;
    save_state(folder_ / "again.state", loaded, other);
    EXPECT_EQ(
        state_difference(model().backend(), load_state(folder_ / "again.state", model()), state_),
        0.0)
        << backend.name;
  }
}

TEST_F(StateFile, OfSeveralSequencesIsRefused) {
  save_state(file_, state_, model());
  const auto source = open_safetensors(file_);
  const CopiedTensors copied(*source);
  auto metadata = source->metadata();
  metadata["positions"] = "150,0";
  write_safetensors(file_, copied.tensors, metadata);
  EXPECT_THAT(load_error(), ::testing::HasSubstr("wanted the state of one sequence"));
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
       {"", ",", "-1", "x", "1 2", "18446744073709551615", "99999999999999999999999"}) {
    EXPECT_THAT(with("positions", positions), ::testing::HasSubstr("wanted a position"))
        << positions;
  }
  EXPECT_THAT(with("positions", "3"), ::testing::HasSubstr("tensors, got 0"));
}

TEST_F(StateFile, HoldsWhatComesNext) {
  state_.next_logits = model().backend().filled({model().plan().V}, 0.25F);
  save_state(file_, state_, model());
  const State loaded = load_state(file_, model());
  ASSERT_TRUE(loaded.next_logits);
  EXPECT_EQ(values_of(model().backend(), loaded.next_logits),
            values_of(model().backend(), state_.next_logits));
  state_.next_logits = {};  // as version 0.1.0 saved it
  save_state(file_, state_, model());
  EXPECT_FALSE(load_state(file_, model()).next_logits);
}

TEST_F(StateFile, NumbersThatAreNotFiniteAreTheStatesFault) {
  State damaged = state_;
  Tensor& n = damaged.tensors[4];  // C, n, m of the first block, C and n of the second
  n = model().backend().filled(n.shape(), std::numeric_limits<float>::quiet_NaN());
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
  const auto error_as = [&](std::string_view name) {
    const Model other = odd_model_with({{"norm_eps", 2e-6}}, name);
    return error_of([&] { load_state(file_, other); });
  };
  EXPECT_THAT(error_as("large-odd-heads"), ::testing::HasSubstr("): constants \"norm eps 1e-06, "));
  EXPECT_THAT(error_as("another"),
              ::testing::HasSubstr("; name \"large-odd-heads\" instead of \"another\""));
  const StateOwner same_but_weights = {model().plan(), "0123456789abcdef", model().description()};
  EXPECT_THAT(error_of([&] {
                read_state(*open_safetensors(file_), same_but_weights, model().backend(),
                           file_.string());
              }),
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
  const auto source = open_safetensors(file_);
  CopiedTensors copied(*source);
  for (TensorToWrite& tensor : copied.tensors) {
    if (tensor.name == "blocks.0.C") tensor.shape.erase(tensor.shape.begin());
  }
  write_safetensors(folder_ / "flat.state", copied.tensors, source->metadata());
  EXPECT_THAT(error_of([this] { load_state(folder_ / "flat.state", model()); }),
              ::testing::HasSubstr("wanted blocks.0.C F32 [1, "));
}

TEST_F(StateFile, IsTheSameInAHostThatGroupsDigits) {
  state_.position = 3601;
  save_state(file_, state_, model());
  const std::string wanted = bytes();
  const GroupingLocale host;
  save_state(file_, state_, model());
  EXPECT_EQ(bytes(), wanted);
  EXPECT_EQ(load_state(file_, model()).position, 3601U);
}

TEST_F(StateFile, PositionsThatVersion010WroteWithMarksAreRead) {
  state_.position = 1234567;
  save_state(file_, state_, model());
  const auto source = open_safetensors(file_);
  const CopiedTensors copied(*source);
  const fs::path marked = folder_ / "marked.state";
  for (const char* positions :
       {"1,234,567", "1.234.567", "1 234 567", "1'234'567", "12,34,567", "1234567"}) {
    auto metadata = source->metadata();
    metadata["positions"] = positions;
    write_safetensors(marked, copied.tensors, metadata);
    EXPECT_EQ(load_state(marked, model()).position, 1234567U) << positions;
  }
}

TEST_F(StateFile, AMissingFileOrFolderIsNamed) {
  EXPECT_THAT(load_error(), ::testing::HasSubstr("a.state"));
  EXPECT_THROW(save_state(folder_ / "no" / "such" / "a.state", state_, model()), Error);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(StateFile, OtherConstantsMakeAnotherModel) {
  const auto fingerprint_with = [](const Json& changes) {
    return odd_model_with(changes, "large-odd-heads").fingerprint();
  };
  EXPECT_EQ(fingerprint_with(Json::object()), model().fingerprint());
  const std::vector<std::string> others = {
      fingerprint_with({{"norm_eps", 2e-6}}),
      fingerprint_with({{"eps", 2e-6}}),
      fingerprint_with({{"gate_soft_cap", 77.0}}),
      fingerprint_with({{"gate_soft_cap", nullptr}}),
      fingerprint_with({{"output_logit_soft_cap", 77.0}}),
      fingerprint_with({{"output_logit_soft_cap", nullptr}}),
  };
  EXPECT_THAT(others, ::testing::Each(::testing::Ne(model().fingerprint())));
  EXPECT_EQ(std::set<std::string>(others.begin(), others.end()).size(), others.size());
}

// States that version 0.1.0 saved carry this one.
TEST_F(StateFile, TheFingerprintOfAModelStaysWhatItWas) {
  EXPECT_EQ(open_model(classics_folder()).fingerprint(), "3fce18409ee31d8c");
}

}  // namespace
}  // namespace xlstm::testing
