// A model that is divided among ranks is the model: logits, states by steps, rows of a batch,
// greedy tokens. Each rank is a thread with a backend of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <optional>

#include "tests/model/fixture.h"
#include "tests/model/load_part.h"
#include "tests/model/quantised_folder.h"
#include "tests/support/as_ranks.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tied_folder.h"
#include "xlstm/model/synthetic.h"
#include "xlstm/wiring/division.h"

namespace xlstm::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// What a run shows to whoever has no states to look at.
struct Shown {
  std::vector<float> whole, steps, rows, after;  // logits; `after`: of a step after the batch
  std::vector<std::int32_t> greedy;

  bool operator==(const Shown&) const = default;
};

constexpr std::int64_t kLength = 70;  // two chunks

Shown show(const Model& model) {
  const std::int64_t V = model.plan().V;
  const auto ids = random_ids(static_cast<std::size_t>(kLength), V, 3);
  const auto of_rows = random_ids(3 * 20, V, 4);
  Shown out;
  out.whole = run_from_start(model, ids).logits;
  out.steps = run_from_start(model, {ids.begin(), ids.begin() + 12}, 1, 1).logits;
  const RunResult batch = run_from_start(model, of_rows, 3);
  out.rows = batch.logits;
  out.after = run(model, batch.states, {1, 2, 3}).logits;
  const std::unique_ptr<StateBatch> states = model.initial_states();
  Tensor last = model.prefill(ids, *states);
  for (int i = 0; i < 16; ++i) {
    const std::vector<float> logits = values_of(model.backend(), last);
    out.greedy.push_back(
        static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
    last = model.forward(tokens_of(model, {out.greedy.back()}), *states);
  }
  return out;
}

// Each of two sums a block adds the parts of so many ranks.
double sums_bound(const Plan& plan, int size) {
  double blocks = 0;
  for (const Layer& layer : plan.layers) blocks += layer.state.empty() ? 0 : 1;
  return std::numeric_limits<float>::epsilon() * 2 * size * blocks;
}

// `bound` is of many rows; those of one round nothing but sums.
void expect_near(const Shown& got, const Shown& wanted, const Plan& plan, int size, double bound) {
  bound += sums_bound(plan, size);
  EXPECT_LE(relative_difference(got.whole, wanted.whole), bound);
  EXPECT_LE(relative_difference(got.steps, wanted.steps),
            rounding_bound(plan, kLength) + sums_bound(plan, size));
  EXPECT_LE(relative_difference(got.rows, wanted.rows), bound);
  EXPECT_LE(relative_difference(got.after, wanted.after), bound);
}

// Of all ranks: the same on each.
Shown show_divided(const fs::path& folder, int size, const LoadOptions& options,
                   std::uint64_t* bytes = nullptr) {
  std::mutex mutex;
  std::vector<Shown> all(static_cast<std::size_t>(size));
  as_ranks(size, [&](const std::shared_ptr<Group>& group) {
    const Model model = load_part(folder, group, options);
    all[static_cast<std::size_t>(group->rank())] = show(model);
    const std::lock_guard lock(mutex);
    if (bytes != nullptr) *bytes += model.weight_bytes();
  });
  for (const Shown& each : all) EXPECT_EQ(each, all.front());
  return all.front();
}

void expect_divided_is_whole(const fs::path& folder, int size) {
  const Model whole = load_whole(folder, {});
  const Shown wanted = show(whole);
  const Shown got = show_divided(folder, size, {});
  expect_near(got, wanted, whole.plan(), size, rounding_bound(whole.plan(), kLength));
  EXPECT_EQ(got.greedy, wanted.greedy);
}

struct Divided {
  const char* model;
  int size;
};

class Ranks : public ::testing::TestWithParam<Divided> {};

TEST_P(Ranks, AreTheWhole) {
  const std::string name = GetParam().model;
  expect_divided_is_whole(
      name == "classics-8m" ? classics_folder() : data_folder() / "golden" / name, GetParam().size);
}

// large-odd-heads has three heads, and parts of unlike sizes of the vocabulary.
INSTANTIATE_TEST_SUITE_P(
    Goldens, Ranks,
    ::testing::Values(Divided{"large-plain", 2}, Divided{"large-plain", 4},
                      Divided{"large-bf16-sharded", 2}, Divided{"large-bias-wide", 2},
                      Divided{"large-bias-wide", 4}, Divided{"large-fused", 2},
                      Divided{"large-fused", 4}, Divided{"large-no-out-norm", 2},
                      Divided{"large-package-names", 4}, Divided{"large-tied-caps", 2},
                      Divided{"large-tied-caps", 4}, Divided{"large-odd-heads", 3},
                      Divided{"classics-8m", 2}, Divided{"classics-8m", 4}));

TEST(RanksTogether, ATiedModelAreTheWhole) {
  const TemporaryFolder folder;
  write_tied(folder.path());
  expect_divided_is_whole(folder.path(), 2);
  expect_divided_is_whole(folder.path(), 4);
}

TEST(RanksTogether, ABfloat16ModelAreTheWholeWithinItsRoundings) {
  const LoadOptions options = {.dtype = DType::kBF16};
  const Model whole = load_whole(classics_folder(), options);
  expect_near(show_divided(classics_folder(), 2, options), show(whole), whole.plan(), 2,
              2 * bfloat16_bound(whole.plan(), kLength));
}

constexpr Quantization affine(int bits, int group) {
  return {QuantizationMode::kAffine, bits, group};
}

class QuantisedRanks : public ::testing::TestWithParam<Quantization> {};

// FFN 704 is 11 groups of 64: parts of unlike sizes.
TEST_P(QuantisedRanks, OfAQuantisedCheckpointAreTheWhole) {
  const TemporaryFolder scratch;
  write_quantised(classics_folder(), scratch.path(), {{"", GetParam()}}, false);
  const Model whole = load_whole(scratch.path(), {});
  const auto group = static_cast<std::size_t>(GetParam().group_size);
  for (const int size : {2, 4}) {
    expect_near(show_divided(scratch.path(), size, {}), show(whole), whole.plan(), size,
                2 * quantised_bound(whole.plan(), kLength, group));
  }
}

TEST_P(QuantisedRanks, QuantisedWhileTheyAreLoadedAreTheWhole) {
  LoadOptions options;
  options.quantization = default_recipe(GetParam());
  const Model whole = load_whole(classics_folder(), options);
  const auto group = static_cast<std::size_t>(GetParam().group_size);
  std::uint64_t bytes = 0;
  expect_near(show_divided(classics_folder(), 2, options, &bytes), show(whole), whole.plan(), 2,
              2 * quantised_bound(whole.plan(), kLength, group));
  // What both hold: the embedding and the norms of the stream.
  std::uint64_t twice = 0;
  for (const Layer& layer : whole.plan().layers) {
    for (const Parameter& each : layer.parameters) {
      const bool is_norm = each.name.ends_with(".norm.weight") || layer.name == "out_norm";
      if (layer.name != "embedding" && !is_norm) continue;
      const auto format = format_for(*options.quantization, whole.plan(), layer, each);
      const auto elements = static_cast<std::uint64_t>(*element_count(each.shape));
      twice += !format ? elements * 4
                       : elements * static_cast<std::uint64_t>(format->bits) / 8 +
                             elements / static_cast<std::uint64_t>(format->group_size) * 4;
    }
  }
  EXPECT_EQ(bytes, whole.weight_bytes() + twice);
}

INSTANTIATE_TEST_SUITE_P(Formats, QuantisedRanks,
                         ::testing::Values(affine(4, 64), affine(8, 64), affine(3, 32)));

std::string refusal(const fs::path& folder, int size,
                    const std::optional<QuantizationRecipe>& recipe = {}) {
  const Checkpoint whole = Checkpoint::open(folder);
  try {
    divide(whole.plan, *whole.tensors, {0, size}, recipe);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
}

TEST(Division, SaysWhatFits) {
  EXPECT_THAT(refusal(classics_folder(), 3),
              HasSubstr("[devices] wanted a number that divides the model's 4 heads: 1, 2 or 4, "
                        "got 3"));
  const auto recipe = default_recipe(affine(4, 128));
  EXPECT_THAT(refusal(classics_folder(), 4, recipe),
              HasSubstr("wanted a number that divides the model's 4 heads into whole groups of 128 "
                        "columns: 1 or 2, got 4"));
  EXPECT_EQ(refusal(classics_folder(), 2, recipe), "");
  EXPECT_THAT(refusal(data_folder() / "golden/original-mixed", 2),
              HasSubstr("models of the family xlstm-large can be divided, got 2 for one of the "
                        "family xlstm-original"));
}

// A part is read from where it lies, and nothing else.
class CountingSource final : public TensorSource {
 public:
  explicit CountingSource(std::unique_ptr<TensorSource> whole, std::uint64_t& read)
      : whole_(std::move(whole)), read_(read) {}
  const std::vector<TensorInfo>& tensors() const override { return whole_->tensors(); }
  const std::map<std::string, std::string>& metadata() const override { return whole_->metadata(); }
  void read(std::size_t index, std::uint64_t offset, std::span<std::byte> to) const override {
    read_ += to.size();
    whole_->read(index, offset, to);
  }

 private:
  std::unique_ptr<TensorSource> whole_;
  std::uint64_t& read_;
};

TEST(Division, ReadsAPartAlone) {
  Checkpoint whole = Checkpoint::open(classics_folder());
  const std::uint64_t all = whole.plan.bytes();
  Division part = divide(whole.plan, *whole.tensors, {1, 4}, {});
  std::uint64_t read = 0;
  const auto tensors = cut_source(std::make_unique<CountingSource>(std::move(whole.tensors), read),
                                  std::move(part.tensors));
  for (std::size_t i = 0; i < tensors->tensors().size(); ++i) tensors->read_all(i);
  EXPECT_EQ(read, part.plan.bytes());
  const std::uint64_t embedding = whole.plan.layer("embedding").bytes;
  EXPECT_LT(read - embedding, (all - embedding) * 26 / 100);
  EXPECT_EQ(part.plan.state_bytes(), whole.plan.state_bytes() / 4);
}

TEST(Division, OfTheSevenBillionIsOfAboutEqualParts) {
  Synthetic synthetic = make_synthetic("7b");
  const Checkpoint whole =
      Checkpoint::in_memory("7b", synthetic.config_json, std::move(synthetic.source));
  const auto recipe = default_recipe(affine(4, 64));
  for (const auto& each : {std::optional<QuantizationRecipe>(), std::optional(recipe)}) {
    std::array<std::uint64_t, 2> bytes{};
    for (int rank = 0; rank < 2; ++rank) {
      const Plan part = divide(whole.plan, *whole.tensors, {rank, 2}, each).plan;
      bytes[static_cast<std::size_t>(rank)] = part.bytes();
    }
    const auto [least, most] = std::minmax(bytes[0], bytes[1]);
    EXPECT_LT(most, whole.plan.bytes() * 54 / 100);  // the embedding, 3%, is on both
    EXPECT_LT(most - least, least / 100);
  }
  EXPECT_THROW(divide(whole.plan, *whole.tensors, {0, 3}, {}), Error);
  EXPECT_NO_THROW(divide(whole.plan, *whole.tensors, {7, 8}, recipe));
}

// What goes wrong on one rank is what the others hear, and nobody waits for ever.
TEST(RanksTogether, AnErrorOfOneEndsAll) {
  std::array<std::string, 2> heard;
  as_ranks(2, [&](const std::shared_ptr<Group>& group) {
    const Model model = load_part(data_folder() / "golden/large-plain", group, {});
    const std::unique_ptr<StateBatch> states = model.initial_states();
    try {
      if (group->rank() == 1) {
        model.forward(model.backend().ids({2, 1}, std::vector<std::int32_t>{1, 2}), *states);
      }
      for (int i = 0; i < 3; ++i) model.forward(tokens_of(model, {1}), *states);
    } catch (const Error& error) {
      group->fail(error);
      heard[static_cast<std::size_t>(group->rank())] = error.what();
    }
  });
  EXPECT_THAT(heard[1], HasSubstr("[forward] wanted tokens [1, S]"));
  EXPECT_THAT(heard[0], HasSubstr("[rank 1 of 2] [forward] wanted tokens [1, S]"));
}

}  // namespace
}  // namespace xlstm::testing
