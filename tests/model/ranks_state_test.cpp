// States of a model that is divided among ranks: one file, whoever saved it, for any number of
// ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <mutex>
#include <set>

#include "tests/model/fixture.h"
#include "tests/model/load_part.h"
#include "tests/model/quantised_folder.h"
#include "tests/support/as_ranks.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/model/state_file.h"

namespace xlstm::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::Each;
using ::testing::HasSubstr;

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// As `size` ranks, or as one device without a group.
void as_devices(const fs::path& folder, int size, const LoadOptions& options,
                const std::function<void(const Model&, int rank)>& use) {
  if (size == 1) return use(load_whole(folder, options), 0);
  as_ranks(size, [&](const std::shared_ptr<Group>& group) {
    use(load_part(folder, group, options), group->rank());
  });
}

State after(const Model& model, const std::vector<std::int32_t>& ids) {
  const std::unique_ptr<StateBatch> states = model.initial_states();
  const Tensor last = model.prefill(ids, *states);
  State state = states->remove(0);
  state.next_logits = model.backend().reshape(last, {model.plan().V});
  evaluate(model.backend(), state);
  return state;
}

// Greedy tokens, and the logits after the last.
struct Continued {
  std::vector<std::int32_t> ids;
  std::vector<float> logits;
};

Continued go_on(const Model& model, const State& from) {
  Continued out;
  const std::unique_ptr<StateBatch> states = model.states_of(from);
  out.logits = values_of(model.backend(), from.next_logits);
  for (int i = 0; i < 16; ++i) {
    out.ids.push_back(static_cast<std::int32_t>(
        std::max_element(out.logits.begin(), out.logits.end()) - out.logits.begin()));
    out.logits =
        values_of(model.backend(), model.forward(tokens_of(model, {out.ids.back()}), *states));
  }
  return out;
}

constexpr std::int64_t kLength = 70;  // two chunks

double bound(const Plan& plan, int size) {
  double blocks = 0;
  for (const Layer& layer : plan.layers) blocks += layer.state.empty() ? 0 : 1;
  return rounding_bound(plan, kLength) +
         std::numeric_limits<float>::epsilon() * 2 * size * blocks;  // two sums a block
}

class StateOfRanks : public ::testing::Test {
 protected:
  void save_by(int size, const fs::path& file, const LoadOptions& options = {}) {
    as_devices(folder_, size, options, [&](const Model& model, int) {
      const auto ids = random_ids(kLength, model.plan().V, 5);
      save_state(file, after(model, ids), model);
    });
  }
  // Loads, saves again and goes on: the same on each rank.
  Continued load_by(int size, const fs::path& file, const fs::path& again,
                    const LoadOptions& options = {}) {
    std::vector<Continued> all(static_cast<std::size_t>(size));
    as_devices(folder_, size, options, [&](const Model& model, int rank) {
      const State state = load_state(file, model);
      EXPECT_EQ(state.position, static_cast<std::uint64_t>(kLength));
      EXPECT_EQ(state.bytes(), model.plan().state_bytes());
      save_state(again, state, model);
      all[static_cast<std::size_t>(rank)] = go_on(model, state);
    });
    for (const Continued& each : all) EXPECT_EQ(each.logits, all.front().logits);
    return all.front();
  }

  void expect_one_file(std::initializer_list<int> sizes, double more = 0,
                       const LoadOptions& options = {}) {
    const Plan plan = Checkpoint::open(folder_).plan;
    save_by(1, file("saved-by-1"), options);
    const Continued wanted = load_by(1, file("saved-by-1"), file("again"), options);
    for (const int saving : sizes) {
      const fs::path saved = file(str("saved-by-", saving));
      save_by(saving, saved, options);
      for (const int loading : sizes) {
        SCOPED_TRACE(str("saved by ", saving, ", loaded by ", loading));
        const Continued got = load_by(loading, saved, file("again"), options);
        EXPECT_EQ(bytes_of(file("again")), bytes_of(saved));
        EXPECT_EQ(got.ids, wanted.ids);
        EXPECT_LE(relative_difference(got.logits, wanted.logits),
                  bound(plan, saving) + bound(plan, loading) + more);
      }
    }
  }

  // What each of `size` ranks hears.
  std::vector<std::string> errors(int size, const std::function<void(const Model&)>& use) {
    std::vector<std::string> out(static_cast<std::size_t>(size));
    as_devices(folder_, size, {}, [&](const Model& model, int rank) {
      try {
        use(model);
      } catch (const Error& error) {
        out[static_cast<std::size_t>(rank)] = error.what();
      }
      // They go on together.
      run_from_start(model, {1, 2, 3});
    });
    return out;
  }

  fs::path file(const std::string& name) const { return scratch_.path() / name; }

  TemporaryFolder scratch_;
  fs::path folder_ = classics_folder();
};

TEST_F(StateOfRanks, AnyNumberGoesOnWithWhatAnyOtherSaved) {
  expect_one_file({1, 2, 4});
}

TEST_F(StateOfRanks, OfThreeHeadsToo) {
  folder_ = data_folder() / "golden/large-odd-heads";
  expect_one_file({1, 3});
}

TEST_F(StateOfRanks, OfAQuantisedModelToo) {
  const Quantization format = {QuantizationMode::kAffine, 4, 64};
  LoadOptions options;
  options.quantization = default_recipe(format);
  expect_one_file({1, 2}, 4 * quantised_bound(Checkpoint::open(folder_).plan, kLength, 64),
                  options);
  write_quantised(classics_folder(), file("quantised"), {{"", format}}, false);
  folder_ = file("quantised");
  expect_one_file({1, 2}, 4 * quantised_bound(Checkpoint::open(folder_).plan, kLength, 64));
}

TEST_F(StateOfRanks, TheFingerprintIsTheWholes) {
  for (const char* name : {"large-plain", "large-tied-caps", "large-bf16-sharded"}) {
    folder_ = data_folder() / "golden" / name;
    const Model whole = load_whole(folder_, {});
    as_devices(folder_, 2, {}, [&](const Model& model, int) {
      EXPECT_EQ(model.fingerprint(), whole.fingerprint()) << name;
      EXPECT_EQ(model.description(), whole.description()) << name;
    });
  }
}

TEST_F(StateOfRanks, WhatCannotBeWrittenAllHearOf) {
  const std::vector<std::string> heard = errors(2, [&](const Model& model) {
    save_state("/no/such/folder/a.state", after(model, {1, 2}), model);
  });
  EXPECT_THAT(heard, Each(HasSubstr("[/no/such/folder/a.state] cannot create a file")));
  EXPECT_EQ(heard[0], heard[1]);
}

TEST_F(StateOfRanks, AFullDiskLeavesNothing) {
  save_by(2, file("a"));
  const std::string before = bytes_of(file("a"));
  const FileSizeLimit limit(1000);
  const std::vector<std::string> heard = errors(2, [&](const Model& model) {
    save_state(file("a"), after(model, {1, 2}), model);
  });
  EXPECT_THAT(heard, Each(HasSubstr(str("[", file("a").string(), "] cannot write"))));
  EXPECT_EQ(bytes_of(file("a")), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch_.path()), fs::directory_iterator()), 1);
}

TEST_F(StateOfRanks, WhatIsNotFiniteAllHearOf) {
  const std::vector<std::string> heard = errors(4, [&](const Model& model) {
    State state = after(model, {1, 2});
    if (model.backend().group()->rank() != 2) return save_state(file("a"), state, model);
    Tensor n = model.backend().allocate(state.tensors[1].shape(), DType::kF32, "n");
    const std::span<std::byte> to = model.backend().writable(n);
    std::ranges::fill(to, std::byte{0xff});
    state.tensors[1] = n;
    save_state(file("a"), state, model);
  });
  // The third head's first number.
  const std::int64_t width =
      Checkpoint::open(folder_).plan.layer("blocks.0.mlstm").state[1].shape[1];
  EXPECT_THAT(heard, Each(HasSubstr(str("nan in blocks.0.n, element ", 2 * width))));
  EXPECT_FALSE(fs::exists(file("a")));
}

TEST_F(StateOfRanks, AStateThatHasReadIsNotReplacedByOneThatHasNot) {
  save_by(2, file("a"));
  const std::string before = bytes_of(file("a"));
  const std::vector<std::string> heard =
      errors(2, [&](const Model& model) { save_state(file("a"), model.initial_state(), model); });
  EXPECT_THAT(heard, Each(HasSubstr("wanted a state that has read something")));
  EXPECT_EQ(bytes_of(file("a")), before);
}

TEST_F(StateOfRanks, WhatIsNoStateAllHearOf) {
  save_by(1, file("good"));
  const std::string good = bytes_of(file("good"));
  std::string flipped = good;
  flipped[flipped.size() - 5] = static_cast<char>(flipped[flipped.size() - 5] ^ 1);
  std::ofstream(file("cut"), std::ios::binary) << good.substr(0, good.size() / 2);
  std::ofstream(file("flipped"), std::ios::binary) << flipped;
  const std::map<std::string, std::string> wanted = {{"none", "No such file"},
                                                     {"cut", "[" + file("cut").string()},
                                                     {"flipped", "the file is damaged"}};
  for (const auto& [name, text] : wanted) {
    const fs::path bad = file(name);
    const std::vector<std::string> heard =
        errors(2, [&](const Model& model) { load_state(bad, model); });
    EXPECT_THAT(heard, Each(HasSubstr(text)));
    EXPECT_EQ(heard[0], heard[1]);
    std::string alone;
    try {
      load_state(bad, load_whole(folder_, {}));
    } catch (const Error& error) {
      alone = error.what();
    }
    EXPECT_EQ(heard[0], alone);
  }
}

TEST_F(StateOfRanks, AnotherModelsStateIsRefused) {
  folder_ = data_folder() / "golden/large-plain";
  save_by(2, file("a"));
  folder_ = classics_folder();
  EXPECT_THAT(
      errors(2, [&](const Model& model) { load_state(file("a"), model); }),
      Each(HasSubstr("wanted a state of this model (3fce18409ee31d8c), got one of another")));
}

// Hosts that do not share a folder.
TEST_F(StateOfRanks, AFileThatIsNotTheSameForAllIsRefused) {
  save_by(1, file("0"));
  const Model whole = load_whole(folder_, {});
  save_state(file("1"), after(whole, {7, 8, 9}), whole);
  EXPECT_THAT(errors(2,
                     [&](const Model& model) {
                       load_state(file(std::to_string(model.backend().group()->rank())), model);
                     }),
              Each(HasSubstr("wanted the same state for all ranks, got another for rank 1")));
  fs::remove(file("1"));
  EXPECT_THAT(errors(2,
                     [&](const Model& model) {
                       load_state(file(std::to_string(model.backend().group()->rank())), model);
                     }),
              Each(HasSubstr(str("[rank 1 of 2] [", file("1").string(), "] cannot open"))));
}

}  // namespace
}  // namespace xlstm::testing
