// The real folders: what is wired must be what their config says and what counting by hand gives.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/wiring/plan_facts.h"
#include "xlstm/wiring/discover.h"
#include "xlstm/wiring/families/xlstm_large/xlstm_large.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm::testing {
namespace {

struct Case {
  const char* folder;
  const char* dialect;
  std::int64_t V, D, L, NH, DHQK, DHV, F;
  bool use_bias, has_out_norm;
  const char* dtype;
  std::size_t tensors;
  std::uint64_t parameters;
};

std::filesystem::path path_of(const Case& c) {
  const std::string name = c.folder;
  const std::filesystem::path root = XLSTM_SOURCE_DIR;
  return name == "classics-8m" ? root / "models" / name : root / "tests/data/golden" / name;
}

class WiringGolden : public ::testing::TestWithParam<Case> {};

TEST_P(WiringGolden, Dimensions) {
  const Case& c = GetParam();
  const auto source = open_weights(path_of(c));
  const Plan plan = discover(path_of(c), *source);
  EXPECT_EQ(plan.name, c.folder);
  EXPECT_EQ(plan.dialect, c.dialect);
  EXPECT_EQ(size_of(plan, "V"), c.V);
  EXPECT_EQ(size_of(plan, "D"), c.D);
  EXPECT_EQ(size_of(plan, "L"), c.L);
  EXPECT_EQ(size_of(plan, "NH"), c.NH);
  EXPECT_EQ(size_of(plan, "DHQK"), c.DHQK);
  EXPECT_EQ(size_of(plan, "DHV"), c.DHV);
  EXPECT_EQ(size_of(plan, "F"), c.F);
  EXPECT_EQ(flag_of(plan, "use_bias"), c.use_bias);
  EXPECT_EQ(flag_of(plan, "has_out_norm"), c.has_out_norm);
  EXPECT_FALSE(flag_of(plan, "out_norm_bias"));
  EXPECT_FALSE(
      flag_of(plan, "tied_head"));  // large-tied-caps holds a head of its own, and HF uses it
  EXPECT_EQ(plan.layer("embedding").dtype, c.dtype);
  EXPECT_EQ(plan.bos_id, 0);
  EXPECT_EQ(plan.eos_id(), 0);
  EXPECT_EQ(plan.pad_id, 1);
  EXPECT_EQ(plan.parameter_count(), c.parameters);
}

// Each tensor of the file feeds exactly one parameter, and bytes are those of the file.
TEST_P(WiringGolden, EveryTensorIsUsedOnce) {
  const auto source = open_weights(path_of(GetParam()));
  const Plan plan = discover(path_of(GetParam()), *source);
  std::vector<int> uses(source->tensors().size(), 0);
  std::uint64_t bytes = 0;
  for (const Layer& layer : plan.layers) {
    for (const Parameter& parameter : layer.parameters) {
      std::int64_t elements = 0;
      for (const std::size_t i : parameter.sources) {
        ++uses.at(i);
        elements += element_count(source->tensors()[i].shape).value();
      }
      EXPECT_EQ(elements, element_count(parameter.shape)) << parameter.name;
    }
  }
  for (const TensorInfo& tensor : source->tensors()) bytes += tensor.bytes;
  EXPECT_EQ(uses.size(), GetParam().tensors);
  EXPECT_EQ(uses, std::vector<int>(uses.size(), 1));
  EXPECT_EQ(plan.bytes(), bytes);
}

// Parameters by hand. With V D embedding and head, D out_norm, and a block of D = 128, DQK 64, DV
// 128, F 384, NH 4: 2 D + 2 DQK D + 2 DV D + 2 NH (D + 1) + DV + D DV + 3 F D = 214408; biases add
// 2 D (norms) + 2 DQK + 2 DV + DV (head norm) + D (out) + 2 F + D (down) = 1792.
constexpr std::uint64_t kBlock = 214408;
constexpr std::uint64_t kEnds = 2 * 160 * 128;
// DQK 128, DV 256 and biases: 2*128 + 2*128*128 + 2*256*128 + 8*129 + 256 + 128*256 + 3*384*128 =
// 280072; 2*128 + 2*128 + 2*256 + 256 + 128 + 2*384 + 128 = 2304.
constexpr std::uint64_t kWideBlock = 280072 + 2304;
// D 96, NH 3, DQK 48, DV 96, F 160: 192 + 9216 + 18432 + 6*97 + 96 + 9216 + 46080 = 83814.
constexpr std::uint64_t kOddBlock = 83814;
// D 256, NH 4, DQK 128, DV 256, F 704: 512 + 65536 + 131072 + 8*257 + 256 + 65536 + 540672 =
// 805640.
constexpr std::uint64_t kClassicsBlock = 805640;

const Case kCases[] = {
    {"large-plain", "hf", 160, 128, 3, 4, 16, 32, 384, false, true, "F32", 48,
     kEnds + 128 + 3 * kBlock},
    {"large-bias-wide", "hf", 160, 128, 2, 4, 32, 64, 384, true, true, "F32", 55,
     kEnds + 128 + 2 * kWideBlock},
    {"large-tied-caps", "hf", 160, 128, 2, 4, 16, 32, 384, false, true, "F32", 33,
     kEnds + 128 + 2 * kBlock},
    {"large-bf16-sharded", "hf", 160, 128, 2, 4, 16, 32, 384, false, true, "BF16", 33,
     kEnds + 128 + 2 * kBlock},
    {"large-package-names", "package", 160, 128, 2, 4, 16, 32, 384, false, true, "F32", 33,
     kEnds + 128 + 2 * kBlock},
    {"large-fused", "hf+fused", 160, 128, 2, 4, 16, 32, 384, false, true, "F32", 21,
     kEnds + 128 + 2 * kBlock},
    {"large-odd-heads", "hf", 160, 96, 2, 3, 16, 32, 160, false, true, "F32", 33,
     2 * 160 * 96 + 96 + 2 * kOddBlock},
    {"large-no-out-norm", "package", 160, 128, 2, 4, 16, 32, 384, true, false, "F32", 54,
     kEnds + 2 * (kBlock + 1792)},
    {"classics-8m", "hf", 4096, 256, 8, 4, 32, 64, 704, false, true, "BF16", 123,
     2 * 4096 * 256 + 256 + 8 * kClassicsBlock},
};

INSTANTIATE_TEST_SUITE_P(Folders, WiringGolden, ::testing::ValuesIn(kCases),
                         [](const ::testing::TestParamInfo<Case>& test) {
                           std::string name = test.param.folder;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

// The constants that shapes do not show.
TEST(WiringGoldenConstants, TiedCaps) {
  const std::filesystem::path folder =
      std::filesystem::path(XLSTM_TEST_DATA) / "golden" / "large-tied-caps";
  const Plan plan = discover(folder, *open_weights(folder));
  const auto& cell = plan.layer("blocks.0.mlstm").spec_as<MlstmSpec>();
  EXPECT_EQ(cell.norm_eps, 1e-5F);
  EXPECT_EQ(cell.cell_eps, 1e-4F);
  EXPECT_EQ(cell.gate_soft_cap, 8.0F);
  EXPECT_EQ(plan.layer("lm_head").spec_as<VocabularyHeadSpec>().soft_cap, 20.0F);
  EXPECT_EQ(std::get<std::int64_t>(constant_of(plan, "chunk_size")), 32);
}

}  // namespace
}  // namespace xlstm::testing
