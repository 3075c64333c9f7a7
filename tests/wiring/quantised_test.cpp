// Quantised checkpoints: what is understood, and what is refused and how.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/expect_error.h"
#include "tests/support/fake_source.h"
#include "tests/wiring/faults_of.h"
#include "tests/wiring/plan_facts.h"
#include "xlstm/wiring/discover.h"
#include "xlstm/wiring/views.h"

namespace xlstm::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kFour = R"({"quantization": {"group_size": 32, "bits": 4}})";

// Widths that groups of 32 divide.
Sizes even_sizes() {
  Sizes sizes;
  sizes.V = 40;
  sizes.D = 64;
  sizes.NH = 4;
  sizes.DQK = 32;
  sizes.DV = 96;
  sizes.F = 160;
  sizes.dtype = DType::kBF16;
  return sizes;
}

// Replaces X.weight [N, K] by the tensors of its quantised form.
void pack(FakeSource& source, const std::string& path, const Quantization& q = {.group_size = 32},
          DType scales = DType::kBF16) {
  const Shape shape = source.tensors()[source.find(path + ".weight")].shape;
  const Shape groups = {shape[0], shape[1] / q.group_size};
  source.add(path + ".weight", {shape[0], quantized_words(q, shape[1])}, DType::kU32);
  if (q.mode == QuantizationMode::kMxfp4) {
    source.add(path + ".scales", groups, DType::kU8);
  } else {
    source.add(path + ".scales", groups, scales);
    source.add(path + ".biases", groups, scales);
  }
}

bool is_gate(const std::string& name) {
  return name.find("gate_preact") != std::string::npos &&
         name.find("ogate_preact") == std::string::npos;
}

// All matrices but the gates.
FakeSource packed_source(Sizes sizes = even_sizes(), const Quantization& q = {.group_size = 32}) {
  FakeSource source = make_source(sizes);
  for (const TensorInfo& tensor : std::vector(source.tensors())) {
    if (tensor.shape.size() != 2 || is_gate(tensor.name)) continue;
    pack(source, tensor.name.substr(0, tensor.name.size() - 7), q);
  }
  return source;
}

std::vector<std::string> faults_of(const FakeSource& source) {
  return faults_of(source, kFour);
}

const std::string kDown = block_name(1, "ffn.proj_down");

TEST(Quantised, IsTheSameModel) {
  const Plan plain = discover("{}", make_source(even_sizes()), "model");
  const FakeSource source = packed_source();
  const Plan plan = discover(kFour, source, "model");
  EXPECT_EQ(plan.parameter_count(), plain.parameter_count());
  EXPECT_EQ(size_of(plan, "F"), 160);
  EXPECT_EQ(size_of(plan, "DHV"), 24);
  EXPECT_EQ(plan.state_bytes(), plain.state_bytes());

  // 4 bits an element, and two bfloat16 for each 32 of them.
  const Layer& embedding = plan.layer("embedding");
  EXPECT_EQ(embedding.bytes, 40u * 64 / 2 + 40u * 2 * 2 * 2);
  EXPECT_EQ(embedding.dtype, "4-bit/32");
  EXPECT_EQ(plan.layer("blocks.0.mlstm").dtype, "4-bit/32+BF16");
}

TEST(Quantised, SlotsNameTheTensorsOfEachPart) {
  const FakeSource source = packed_source();
  const Plan plan = discover(kFour, source, "model");
  const Parameter* parameter = plan.find_parameter("blocks.1.ffn.up.weight");
  ASSERT_NE(parameter, nullptr);
  EXPECT_EQ(parameter->shape, (Shape{320, 64}));
  ASSERT_TRUE(parameter->packed.has_value());
  EXPECT_EQ(parameter->packed->format, (Quantization{.group_size = 32}));
  EXPECT_EQ(parameter->packed->scale_type, DType::kBF16);
  const auto names = [&](const std::vector<std::size_t>& tensors) {
    std::vector<std::string> out;
    for (const std::size_t i : tensors) out.push_back(source.tensors()[i].name);
    return out;
  };
  EXPECT_THAT(names(parameter->sources), ElementsAre(block_name(1, "ffn.proj_up_gate.weight"),
                                                     block_name(1, "ffn.proj_up.weight")));
  EXPECT_THAT(
      names(parameter->packed->scales),
      ElementsAre(block_name(1, "ffn.proj_up_gate.scales"), block_name(1, "ffn.proj_up.scales")));
  EXPECT_THAT(
      names(parameter->packed->biases),
      ElementsAre(block_name(1, "ffn.proj_up_gate.biases"), block_name(1, "ffn.proj_up.biases")));
  EXPECT_FALSE(plan.find_parameter("blocks.1.mlstm.gates.weight")->packed.has_value());
}

TEST(Quantised, EveryFormat) {
  Sizes sizes = even_sizes();
  sizes.D = 128;
  sizes.DQK = 128;
  sizes.DV = 128;
  sizes.F = 256;
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int group : {32, 64, 128}) {
      const Quantization q{QuantizationMode::kAffine, bits, group};
      const std::string config = R"({"quantization": {"bits": )" + std::to_string(bits) +
                                 R"(, "group_size": )" + std::to_string(group) + "}}";
      const Plan plan = discover(config, packed_source(sizes, q), "model");
      EXPECT_EQ(plan.find_parameter("lm_head.weight")->packed->format, q);
    }
  }
  const Quantization q{QuantizationMode::kMxfp4, 4, 32};
  const Plan plan = discover(R"({"quantization": {"bits": 4, "mode": "mxfp4", "group_size": 32}})",
                             packed_source(sizes, q), "model");
  EXPECT_EQ(plan.find_parameter("lm_head.weight")->packed->format, q);
  EXPECT_TRUE(plan.find_parameter("lm_head.weight")->packed->biases.empty());
}

TEST(Quantised, LayersOfTheirOwnFormat) {
  FakeSource source = make_source(even_sizes());
  pack(source, "lm_head", {QuantizationMode::kAffine, 8, 64}, DType::kF16);
  pack(source, kDown);
  const Plan plan = discover(
      R"({"quantization": {"group_size": 32, "bits": 4, "lm_head": {"group_size": 64, "bits": 8},
          "backbone.embeddings": false}})",
      source, "model");
  EXPECT_EQ(plan.layer("lm_head").dtype, "8-bit/64");
  EXPECT_EQ(plan.find_parameter("lm_head.weight")->packed->scale_type, DType::kF16);
  EXPECT_EQ(plan.layer("blocks.1.ffn").dtype, "4-bit/32+BF16");
  EXPECT_EQ(plan.layer("blocks.0.ffn").dtype, "BF16");
}

TEST(Quantised, ConfigOfHuggingFacesName) {
  discover(R"({"quantization_config": {"group_size": 32, "bits": 4}})", packed_source(), "model");
  EXPECT_THAT(faults_of(packed_source(),
                        R"({"quantization_config": {"quant_method": "gptq", "bits": 4}})")[0],
              HasSubstr("config.json has no \"quantization\" for it"));
}

TEST(Quantised, Views) {
  const Plan plan = discover(kFour, packed_source(), "model");
  EXPECT_THAT(tree_view(plan, TreeStyle::kAscii), HasSubstr("4-bit/32"));
  EXPECT_THAT(dot_view(plan), HasSubstr("up.weight [320, 64] 4-bit/32"));
  const auto json = nlohmann::json::parse(json_view(plan));
  const auto& head = json["nodes"].back()["tensors"][0];
  EXPECT_EQ(head["quantization"]["bits"], 4);
  EXPECT_EQ(head["quantization"]["mode"], "affine");
  EXPECT_EQ(head["quantization"]["group_size"], 32);
  EXPECT_EQ(head["shape"], (Shape{40, 64}));
}

TEST(Quantised, BlocksOfDifferentFormatsAreNotAlike) {
  FakeSource source = make_source(even_sizes());
  pack(source, block_name(0, "ffn.proj_down"), {QuantizationMode::kAffine, 4, 32});
  pack(source, kDown, {QuantizationMode::kAffine, 4, 32});
  const std::string same = tree_view(discover(kFour, source, "model"), TreeStyle::kAscii);
  EXPECT_THAT(same, HasSubstr("as blocks.0"));
}

TEST(Quantised, ScalesOrBiasesMissing) {
  FakeSource source = packed_source();
  source.remove("lm_head.scales").remove(kDown + ".biases");
  EXPECT_THAT(
      faults_of(source),
      ElementsAre("missing tensor \"" + kDown + ".biases\", which \"" + kDown + ".weight\" needs",
                  "missing tensor \"lm_head.scales\", which \"lm_head.weight\" needs"));
}

TEST(Quantised, WeightMissing) {
  FakeSource source = packed_source();
  source.remove(kDown + ".weight");
  EXPECT_THAT(faults_of(source),
              ElementsAre("missing tensor \"" + kDown + ".weight\" [D, F] = [64, 160]",
                          "unexpected tensor \"" + kDown + ".biases\" [64, 5]",
                          "unexpected tensor \"" + kDown + ".scales\" [64, 5]"));
}

TEST(Quantised, ConfigSaysNothing) {
  FakeSource source = make_source(even_sizes());
  pack(source, kDown);
  const std::string wanted =
      "\"" + kDown + ".weight\" is quantised (U32), and config.json has no \"quantization\" for it";
  EXPECT_THAT(faults_of(source, "{}"), ElementsAre(wanted));
  EXPECT_THAT(faults_of(source, R"({"quantization": {"bits": 4, "group_size": 32, ")" + kDown +
                                    R"(": false}})"),
              ElementsAre(wanted));
}

TEST(Quantised, FormatsThatWeDoNotHave) {
  FakeSource source = make_source(even_sizes());
  pack(source, kDown);
  const auto fault = [&](const std::string& quantization) {
    const auto faults = faults_of(source, R"({"quantization": )" + quantization + "}");
    return faults.size() == 1 ? faults[0] : str(faults.size(), " faults");
  };
  EXPECT_EQ(fault(R"({"bits": 7, "group_size": 64})"),
            "\"" + kDown +
                ".weight\": wanted quantization of mode affine with 2, 3, 4, 5, 6 or 8 bits and "
                "groups of 32, 64 or 128, or mxfp4, got mode \"affine\", 7 bits, groups of 64");
  for (const char* bad : {R"({"bits": 0})", R"({"bits": -4})", R"({"bits": 4294967300})",
                          R"({"bits": 4, "group_size": 0})", R"({"bits": 4, "group_size": 48})",
                          R"({"bits": 4, "group_size": -32})", R"({"bits": 4, "mode": "nvfp4"})",
                          R"({"bits": 4, "mode": "AFFINE"})", R"({"bits": 8, "mode": "mxfp4"})",
                          R"({"bits": 4, "mode": "mxfp4", "group_size": 64})"}) {
    EXPECT_THAT(fault(bad), HasSubstr("wanted quantization of mode")) << bad;
  }
}

TEST(Quantised, ConfigOfWrongTypes) {
  for (const char* bad : {"[4]", "4", R"("4 bits")", R"({"bits": "4"})", R"({"bits": 4.5})",
                          R"({"bits": 4, "mode": 1})", R"({"bits": 4, "lm_head": {"bits": []}})",
                          R"({"bits": 123456789012345678901234567890})"}) {
    const std::string config = str(R"({"quantization": )", bad, "}");
    const std::string text =
        message_of(ErrorKind::kFormat, [&] { discover(config, packed_source(), "model"); });
    EXPECT_THAT(text, HasSubstr("model")) << bad;
  }
}

TEST(Quantised, WrongGroup) {
  // Written in groups of 32, said to be 64: twice as many scales as wanted.
  FakeSource source = make_source(even_sizes());
  pack(source, "lm_head");
  EXPECT_THAT(
      faults_of(source, R"({"quantization": {"bits": 4, "group_size": 64}})"),
      ElementsAre("\"lm_head.scales\": wanted shape [40, 1], as \"lm_head.weight\" is [40, 8] "
                  "(affine, 4 bits, groups of 64), got [40, 2]",
                  "\"lm_head.biases\": wanted shape [40, 1], as \"lm_head.weight\" is [40, 8] "
                  "(affine, 4 bits, groups of 64), got [40, 2]"));
}

TEST(Quantised, PackedWidthThatDoesNotFit) {
  FakeSource source = packed_source();
  source.add("lm_head.weight", {40, 7}, DType::kU32);
  EXPECT_THAT(faults_of(source),
              ElementsAre("\"lm_head.weight\": wanted rows of whole groups (affine, 4 bits, groups "
                          "of 32), got [40, 7]"));
  // A whole number of groups, but of another model's width.
  source.add("lm_head.weight", {40, 12}, DType::kU32);
  source.add("lm_head.scales", {40, 3}, DType::kBF16);
  source.add("lm_head.biases", {40, 3}, DType::kBF16);
  EXPECT_THAT(faults_of(source),
              ElementsAre("\"lm_head.weight\": wanted shape [V, D] = [40, 64], got [40, 96]"));
  for (const Shape& shape : {Shape{}, Shape{320}, Shape{0, 8}, Shape{40, 0}, Shape{2, 20, 8}}) {
    source.add("lm_head.weight", shape, DType::kU32);
    EXPECT_THAT(faults_of(source), ElementsAre(HasSubstr("\"lm_head.weight\": wanted ")))
        << to_string(shape);
  }
}

TEST(Quantised, ScalesAndBiasesOfOtherShapes) {
  FakeSource source = packed_source();
  source.add("lm_head.biases", {40, 1}, DType::kBF16);
  source.add(kDown + ".scales", {5, 64}, DType::kBF16);
  EXPECT_THAT(faults_of(source),
              ElementsAre(HasSubstr("\"" + kDown + ".scales\": wanted shape [64, 5]"),
                          HasSubstr("\"lm_head.biases\": wanted shape [40, 2]")));
}

TEST(Quantised, ScalesOfOtherTypes) {
  FakeSource source = packed_source();
  source.add("lm_head.scales", {40, 2}, DType::kU32);
  source.add(kDown + ".biases", {64, 5}, DType::kF32);
  EXPECT_THAT(faults_of(source),
              ElementsAre("\"" + kDown + ".biases\": wanted BF16 as the scales are, got F32",
                          "\"lm_head.scales\": wanted BF16, F16 or F32, got U32"));
}

TEST(Quantised, Mxfp4HasNoBiasesAndByteScales) {
  FakeSource source = make_source(even_sizes());
  pack(source, "lm_head", {QuantizationMode::kMxfp4, 4, 32});
  const char* config = R"({"quantization": {"mode": "mxfp4", "bits": 4, "group_size": 32}})";
  discover(config, source, "model");
  source.add("lm_head.scales", {40, 2}, DType::kBF16);
  EXPECT_THAT(faults_of(source, config),
              ElementsAre("\"lm_head.scales\": wanted U8 for mxfp4, got BF16"));
  source.add("lm_head.biases", {40, 2}, DType::kBF16);
  EXPECT_THAT(faults_of(source, config),
              ElementsAre("unexpected tensor \"lm_head.biases\": mxfp4 has none"));
}

TEST(Quantised, GatesAndNormsStayAsTheyAre) {
  FakeSource source = make_source(even_sizes());
  pack(source, block_name(0, "mlstm_layer.igate_preact"));
  EXPECT_THAT(faults_of(source),
              ElementsAre(HasSubstr("igate_preact.weight\": gates and norms are not run quantised, "
                                    "got affine, 4 bits, groups of 32, scales BF16")));
  source = make_source(even_sizes());
  source.add("backbone.out_norm.weight", {1, 8}, DType::kU32);
  source.add("backbone.out_norm.scales", {1, 2}, DType::kBF16);
  source.add("backbone.out_norm.biases", {1, 2}, DType::kBF16);
  EXPECT_THAT(faults_of(source), Contains(HasSubstr("backbone.out_norm.weight\": wanted shape")));
}

TEST(Quantised, JoinedRowsNeedOneFormat) {
  FakeSource source = packed_source();
  source.add(block_name(0, "mlstm_layer.k.weight"), {32, 64}, DType::kBF16)
      .remove(block_name(0, "mlstm_layer.k.scales"))
      .remove(block_name(0, "mlstm_layer.k.biases"));
  EXPECT_THAT(faults_of(source),
              ElementsAre("\"" + block_name(0, "mlstm_layer.k.weight") +
                          "\": wanted affine, 4 bits, groups of 32, scales BF16, as \"" +
                          block_name(0, "mlstm_layer.q.weight") +
                          "\", whose rows are joined with it, got BF16"));
  source = packed_source();
  source.add(block_name(0, "ffn.proj_up.scales"), {160, 2}, DType::kF16);
  source.add(block_name(0, "ffn.proj_up.biases"), {160, 2}, DType::kF16);
  EXPECT_THAT(faults_of(source), ElementsAre(HasSubstr("groups of 32, scales F16")));
}

// A bias of a projection is no matrix; a U32 tensor that is no weight is no quantised one.
TEST(Quantised, OnlyWeights) {
  FakeSource source = packed_source();
  source.add(block_name(0, "mlstm_layer.igate_preact.bias"), {4}, DType::kU32);
  EXPECT_THAT(faults_of(source), ElementsAre(HasSubstr("wanted a float dtype, got U32")));
}

TEST(Quantised, AllFaultsAtOnce) {
  FakeSource source = packed_source();
  source.remove("lm_head.scales").remove(block_name(0, "norm_ffn.weight"));
  source.add("extra.weight", {2, 2});
  const auto faults = faults_of(source);
  EXPECT_THAT(faults, ElementsAre(HasSubstr("lm_head.scales"), HasSubstr("norm_ffn.weight"),
                                  HasSubstr("extra.weight")));
}

}  // namespace
}  // namespace xlstm::testing
