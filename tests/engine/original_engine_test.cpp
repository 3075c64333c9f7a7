// A model of the first paper's blocks, which has no tokenizer, through the interface of programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/engine/calibration.h"
#include "xlstm/engine/engine.h"
#include "xlstm/weights/tensor_source.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

fs::path folder() {
  return fs::path(XLSTM_TEST_DATA) / "golden/original-mixed";
}

// The reference's numbers.
template <typename Value>
std::vector<Value> golden(const std::string& name) {
  const auto source = open_weights(folder() / "golden.safetensors");
  const auto bytes = source->read_all(source->find(name));
  std::vector<Value> out(bytes.size() / sizeof(Value));
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

class OriginalEngine : public ::testing::Test {
 protected:
  OriginalEngine() : ids_(64) {
    const auto all = golden<std::int64_t>("ids");
    std::copy_n(all.begin(), ids_.size(), ids_.begin());
  }
  std::span<const float> logits_after(std::size_t tokens) const {
    return std::span(logits_).subspan((tokens - 1) * V_, V_);
  }
  // The goldens were computed in float32 too: tests/model/golden_test.cpp has the bound.
  static void expect_near(std::span<const float> got, std::span<const float> wanted) {
    ASSERT_EQ(got.size(), wanted.size());
    float largest = 0;
    for (const float x : wanted) largest = std::max(largest, std::abs(x));
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], 1e-3F * largest);
  }

  Engine engine_ = Engine::open(folder().string(), {.dtype = "float32", .device = "cpu"});
  std::vector<std::int32_t> ids_;
  std::vector<float> logits_ = golden<float>("logits");
  std::size_t V_ = 200;
};

TEST_F(OriginalEngine, AnswersIdsWithIds) {
  EXPECT_FALSE(engine_.has_tokenizer());
  std::vector<std::int32_t> answer;
  Request request = {.prompt_ids = ids_, .max_tokens = 5, .temperature = 0};
  request.on_token = [&](const auto& token) {
    if (token.id) answer.push_back(*token.id);
    return true;
  };
  engine_.complete(request);
  ASSERT_EQ(answer.size(), 5U);
  const auto wanted = logits_after(ids_.size());
  EXPECT_EQ(answer.front(), std::ranges::max_element(wanted) - wanted.begin());
}

TEST_F(OriginalEngine, ScoresIds) {
  const std::vector<float> scores = engine_.score(ids_);
  ASSERT_EQ(scores.size(), ids_.size() - 1);
  for (std::size_t t = 0; t < scores.size(); ++t) {
    const auto logits = logits_after(t + 1);
    double sum = 0;
    for (const float x : logits) sum += std::exp(static_cast<double>(x));
    EXPECT_NEAR(scores[t], logits[static_cast<std::size_t>(ids_[t + 1])] - std::log(sum), 1e-3);
  }
}

TEST_F(OriginalEngine, KeepsTheFirstOfTheIdsThatItReadOnTrial) {
  Session session = engine_.session();
  session.score({ids_.begin(), ids_.begin() + 10});
  const Session fork = session;
  const std::vector<float> tried = session.read_on_trial({ids_.begin() + 10, ids_.end()});
  expect_near(tried, std::span(logits_).subspan(10 * V_, tried.size()));
  session.accept(30);
  EXPECT_EQ(session.position(), 40U);
  expect_near(session.next_logits(), logits_after(40));
  EXPECT_EQ(fork.position(), 10U);
  expect_near(fork.next_logits(), logits_after(10));
}

TEST_F(OriginalEngine, IsNotCalibrated) {
  TemporaryFolder copy;
  for (const char* name : {"config.json", "model.safetensors"}) {
    fs::copy(folder() / name, copy.path() / name);
  }
  fs::copy(fs::path(XLSTM_SOURCE_DIR) / "models/classics-8m/tokenizer.json",
           copy.path() / "tokenizer.json");
  const auto calibrate = [&](bool own) {
    own ? calibrate_with_own_text(copy.path(), {.device = "cpu"})
        : calibrate_with(copy.path(), "Once upon a time", "text", {.device = "cpu"});
  };
  for (const bool own : {false, true}) {
    EXPECT_THAT(message_of(ErrorKind::kUsage, [&] { calibrate(own); }),
                ::testing::HasSubstr("wanted a model of xlstm-large to calibrate, got "
                                     "xlstm-original"));
  }
}

}  // namespace
}  // namespace xlstm
