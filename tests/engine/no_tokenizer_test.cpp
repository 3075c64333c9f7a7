// A model without a tokenizer: it computes, and says what it needs for text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/classics_engine.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/model/model.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;
using test::engine;
using ::testing::AllOf;
using ::testing::HasSubstr;

class NoTokenizer : public ::testing::Test {
 protected:
  NoTokenizer() {
    fs::copy(test::classics_folder(), folder_.path() / "model", fs::copy_options::recursive);
    fs::remove(folder_.path() / "model" / "tokenizer.json");
  }
  Engine open() const {
    return Engine::open((folder_.path() / "model").string(), {.dtype = "float32", .device = "cpu"});
  }

  template <typename Call>
  static void expect_refused(const Call& call) {
    try {
      call();
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kModel);
      EXPECT_THAT(error.what(), AllOf(HasSubstr("wanted"), HasSubstr("tokenizer.json")));
    }
  }

  TemporaryFolder folder_;
};

TEST_F(NoTokenizer, TheModelOpensAndComputes) {
  const Engine bare = open();
  EXPECT_FALSE(bare.has_tokenizer());
  EXPECT_TRUE(engine().has_tokenizer());
  EXPECT_EQ(bare.plan().V, 4096);
  EXPECT_EQ(bare.bos_id(), std::nullopt);
  EXPECT_TRUE(bare.end_ids().empty());
  EXPECT_EQ(bare.session().position(), 0U);

  const auto likeliest = [](const Model& model) {
    const auto states = model.initial_states();
    const Tensor logits = model.prefill(test::golden_ids("p0.ids"), *states);
    return model.backend().read_ids(model.backend().argmax(logits)).front();
  };
  EXPECT_EQ(likeliest(bare.model()), test::golden_continuation("p0").front());
}

TEST_F(NoTokenizer, TextIsRefusedAndToldWhatItNeeds) {
  const Engine bare = open();
  expect_refused([&] { bare.complete({.prompt = "Once"}); });
  expect_refused([&] { bare.tokenizer(); });
  Session session = bare.session();
  expect_refused([&] { session.complete({.prompt = "Once"}); });
  expect_refused([&] { session.read("Once"); });
  EXPECT_EQ(session.position(), 0U);
}

TEST_F(NoTokenizer, StatesOfTheSameWeightsFit) {
  Session with_text = engine().session();
  with_text.read("Once upon a time");
  with_text.save(folder_.path() / "state");
  const Engine bare = open();
  Session session = bare.session();
  session.load(folder_.path() / "state");
  EXPECT_EQ(session.position(), with_text.position());
}

}  // namespace
}  // namespace xlstm
