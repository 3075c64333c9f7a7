// A quantised checkpoint is the model that its dequantised weights make.
#include <gtest/gtest.h>

#include "tests/model/fixture.h"
#include "tests/model/quantised_folder.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/model/weights_loader.h"

namespace xlstm::testing {
namespace {

namespace fs = std::filesystem;

struct Case {
  const char* name;
  std::map<std::string, Quantization> formats;  // "" is that of all other matrices
};

class QuantisedModel : public ::testing::TestWithParam<Case> {};

TEST_P(QuantisedModel, IsThatOfItsDequantisedWeights) {
  const TemporaryFolder scratch;
  write_quantised(classics_folder(), scratch.path() / "q", GetParam().formats, false);
  write_quantised(classics_folder(), scratch.path() / "plain", GetParam().formats, true);
  const Model quantised = open_model(scratch.path() / "q");
  const Model plain = open_model(scratch.path() / "plain");

  std::size_t largest_group = 0;
  for (const auto& [layer, format] : GetParam().formats) {
    largest_group = std::max(largest_group, static_cast<std::size_t>(format.group_size));
  }
  for (const std::size_t S :
       {std::size_t{16}, std::size_t{70}}) {  // few rows; many, and two chunks
    const double bound = quantised_bound(plain.plan(), S, largest_group);
    const auto ids = random_ids(S, quantised.plan().V, 1);
    const RunResult a = run_from_start(quantised, ids), b = run_from_start(plain, ids);
    EXPECT_LT(relative_difference(a.logits, b.logits), bound) << S;

    // One token: another kernel.
    EXPECT_LT(
        relative_difference(run(quantised, a.states, {7}).logits, run(plain, b.states, {7}).logits),
        bound)
        << S;
  }
}

TEST_P(QuantisedModel, TakesTheMemoryOfItsFile) {
  const TemporaryFolder scratch;
  write_quantised(classics_folder(), scratch.path(), GetParam().formats, false);
  const auto source = open_weights(scratch.path());
  const Plan plan = discover(scratch.path(), *source);
  const Model model = Model::load(plan, *source, cpu::make_backend(2));
  EXPECT_EQ(estimate_memory(plan, model.backend(), DType::kF32).weights, model.weight_bytes());

  // What is quantised as in the file; gates and norms, bfloat16 there, as float32.
  std::uint64_t wanted = 0;
  for (const TensorInfo& info : source->tensors()) {
    const bool scales = info.name.ends_with(".scales") || info.name.ends_with(".biases");
    const bool widened = info.dtype == DType::kBF16 && !scales;
    wanted += info.bytes * (widened ? 2 : 1);
  }
  EXPECT_EQ(model.weight_bytes(), wanted);
  const std::uint64_t embedding = plan.layer("embedding").bytes;
  const auto V = static_cast<std::uint64_t>(plan.V);
  EXPECT_EQ(model.bytes_per_token(), wanted - embedding + embedding / V + 2 * plan.state_bytes());
}

constexpr Quantization affine(int bits, int group) {
  return {QuantizationMode::kAffine, bits, group};
}

INSTANTIATE_TEST_SUITE_P(Formats, QuantisedModel,
                         ::testing::Values(Case{"four_bits", {{"", affine(4, 64)}}},
                                           Case{"eight_bits", {{"", affine(8, 64)}}},
                                           Case{"three_bits", {{"", affine(3, 32)}}},
                                           Case{"mxfp4", {{"", {QuantizationMode::kMxfp4, 4, 32}}}},
                                           Case{"mixed",
                                                {{"", affine(4, 64)},
                                                 {"lm_head", affine(8, 128)},
                                                 {"backbone.embeddings", affine(6, 32)},
                                                 {"backbone.blocks.1.ffn.proj_down",
                                                  affine(5, 32)}}}),
                         [](const auto& each) { return each.param.name; });

TEST(QuantisedFingerprint, TellsFormatsApart) {
  const TemporaryFolder scratch;
  write_quantised(classics_folder(), scratch.path() / "a", {{"", affine(4, 64)}}, false);
  write_quantised(classics_folder(), scratch.path() / "b", {{"", affine(8, 64)}}, false);
  const std::string a = open_model(scratch.path() / "a").fingerprint();
  EXPECT_EQ(open_model(scratch.path() / "a").fingerprint(), a);
  EXPECT_EQ(open_model(scratch.path() / "a", DType::kBF16).fingerprint(), a);
  EXPECT_NE(open_model(scratch.path() / "b").fingerprint(), a);
  EXPECT_NE(open_model(classics_folder()).fingerprint(), a);
}

}  // namespace
}  // namespace xlstm::testing
