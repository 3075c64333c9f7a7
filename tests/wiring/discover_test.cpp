// Layouts that must be understood. Sizes and counts are worked out by hand or taken from
// xLSTM-7B's published files.
#include "xlstm/wiring/discover.h"
#include "xlstm/wiring/layer_specs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/expect_error.h"
#include "tests/support/fake_source.h"
#include "tests/wiring/plan_facts.h"

namespace xlstm::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> source_names(const Parameter& parameter, const TensorSource& source) {
  std::vector<std::string> names;
  for (const std::size_t i : parameter.sources) names.push_back(source.tensors()[i].name);
  return names;
}

const Parameter& parameter_of(const Plan& plan, const std::string& name) {
  const Parameter* parameter = plan.find_parameter(name);
  if (parameter == nullptr) throw std::runtime_error("no parameter " + name);
  return *parameter;
}

TEST(Discover, SevenBillion) {
  const Sizes sizes{50304, 4096, 32, 8, 2048, 4096, 10944};
  const FakeSource source = make_source(sizes);
  ASSERT_EQ(source.tensors().size(), 483u);
  // The file as published: the package's names, the training code's leftovers, a wrong end token.
  const Plan plan = discover(R"({
    "_name_or_path": "", "add_embedding_dropout": false, "add_forward_backend_padding": false,
    "add_out_norm": true, "add_post_blocks_norm": true, "add_post_norm": false, "add_qk_norm": false,
    "architectures": ["xLSTMForCausalLM"], "autocast_kernel_dtype": "bfloat16", "bos_token_id": 0,
    "cell_norm_eps": 1e-06, "chunk_size": 64, "chunkwise_kernel": "chunkwise--triton_xl_chunk",
    "embedding_dim": 4096, "eos_token_id": 2, "eps": 1e-06, "ffn_proj_factor": 2.667,
    "ffn_round_up_to_multiple_of": 64, "force_bos_token_insert": true, "gate_soft_cap": 15,
    "head_dim": 512, "igate_bias_init_range": -10, "inference_state_dtype": "float32",
    "mlstm_round_up_to_multiple_of": 64, "mode": "inference", "model_type": "xlstm",
    "norm_eps": 1e-06, "norm_reduction_force_float32": true, "num_blocks": 32, "num_heads": 8,
    "output_logit_soft_cap": 30, "pad_token_id": 1, "qk_dim_factor": 0.5, "return_last_states": true,
    "sequence_kernel": "native_sequence__triton", "step_kernel": "triton",
    "tie_word_embeddings": false, "torch_dtype": "float32", "use_bias": false, "use_cache": true,
    "v_dim_factor": 1.0, "vocab_size": 50304, "weight_mode": "single"})",
                             source, "xLSTM-7b");
  EXPECT_EQ(plan.family, "xlstm-large");
  EXPECT_EQ(plan.dialect, "hf");
  EXPECT_EQ(plan.parameter_count(), 6865424896u);
  EXPECT_EQ(plan.bytes(), 4u * 6865424896u);
  EXPECT_EQ(plan.state_bytes(), 134480896u);
  EXPECT_EQ(plan.layers.size(), 67u);  // embedding, 32 times mlstm and ffn, out_norm, lm_head
  EXPECT_EQ(size_of(plan, "DHQK"), 256);
  EXPECT_EQ(size_of(plan, "DHV"), 512);
  EXPECT_EQ(size_of(plan, "F"), 10944);
  EXPECT_EQ(plan.eos_id(), 2);
  const Layer& mlstm = plan.layer("blocks.31.mlstm");
  const Layer& ffn = plan.layer("blocks.31.ffn");
  EXPECT_EQ(mlstm.parameter_count + ffn.parameter_count, 201666576u);
  EXPECT_EQ(mlstm.state_bytes(), 4202528u);
  EXPECT_EQ(ffn.state_bytes(), 0u);
}

TEST(Discover, EveryDimensionFromTensorsAlone) {
  const FakeSource source = make_source();
  const Plan plan = discover("{}", source, "model");
  EXPECT_EQ(size_of(plan, "V"), 40);
  EXPECT_EQ(size_of(plan, "D"), 24);
  EXPECT_EQ(size_of(plan, "L"), 2);
  EXPECT_EQ(size_of(plan, "NH"), 3);
  EXPECT_EQ(size_of(plan, "DHQK"), 4);
  EXPECT_EQ(size_of(plan, "DHV"), 12);
  EXPECT_EQ(size_of(plan, "F"), 64);
  EXPECT_FALSE(flag_of(plan, "use_bias"));
  EXPECT_TRUE(flag_of(plan, "has_out_norm"));
  EXPECT_FALSE(flag_of(plan, "out_norm_bias"));
  EXPECT_FALSE(flag_of(plan, "tied_head"));
  EXPECT_TRUE(flag_of(plan, "norm_float32"));
  EXPECT_EQ(std::get<float>(constant_of(plan, "norm_eps")), 1e-6F);
  EXPECT_EQ(std::get<float>(constant_of(plan, "cell_eps")), 1e-6F);
  EXPECT_EQ(std::get<float>(constant_of(plan, "gate_soft_cap")), 15.0F);
  EXPECT_EQ(std::get<float>(constant_of(plan, "output_logit_soft_cap")), 30.0F);
  EXPECT_EQ(std::get<std::int64_t>(constant_of(plan, "chunk_size")), 64);
  EXPECT_EQ(plan.name, "model");
  EXPECT_FALSE(plan.bos_id.has_value());
  EXPECT_EQ(plan.state_bytes(), 2u * 4 * (3 * 4 * 12 + 3 * 4 + 3));
}

TEST(Discover, SlotsNameTheirSourcesInOrder) {
  const FakeSource source = make_source();
  const Plan plan = discover("{}", source, "model");
  const Parameter& qkvo = parameter_of(plan, "blocks.1.mlstm.qkvo.weight");
  EXPECT_EQ(qkvo.shape, (Shape{2 * 12 + 2 * 36, 24}));
  EXPECT_FALSE(qkvo.keep_float32);
  EXPECT_THAT(source_names(qkvo, source),
              ElementsAre("backbone.blocks.1.mlstm_layer.q.weight",
                          "backbone.blocks.1.mlstm_layer.k.weight",
                          "backbone.blocks.1.mlstm_layer.v.weight",
                          "backbone.blocks.1.mlstm_layer.ogate_preact.weight"));
  const Parameter& gates = parameter_of(plan, "blocks.0.mlstm.gates.bias");
  EXPECT_EQ(gates.shape, (Shape{6}));
  EXPECT_TRUE(gates.keep_float32);
  EXPECT_THAT(source_names(gates, source),
              ElementsAre("backbone.blocks.0.mlstm_layer.igate_preact.bias",
                          "backbone.blocks.0.mlstm_layer.fgate_preact.bias"));
  const Parameter& up = parameter_of(plan, "blocks.0.ffn.up.weight");
  EXPECT_EQ(up.shape, (Shape{128, 24}));
  EXPECT_THAT(source_names(up, source), ElementsAre("backbone.blocks.0.ffn.proj_up_gate.weight",
                                                    "backbone.blocks.0.ffn.proj_up.weight"));
  EXPECT_EQ(plan.find_parameter("blocks.0.mlstm.qkvo.bias"), nullptr);
}

TEST(Discover, NodesPassDataInOrder) {
  const Plan plan = discover("{}", make_source(), "model");
  std::vector<std::string> names;
  for (const Layer& layer : plan.layers) names.push_back(layer.name);
  EXPECT_THAT(names, ElementsAre("embedding", "blocks.0.mlstm", "blocks.0.ffn", "blocks.1.mlstm",
                                 "blocks.1.ffn", "out_norm", "lm_head"));
}

TEST(Discover, ElevenBlocksAreOrderedByNumber) {
  Sizes sizes;
  sizes.L = 11;  // "blocks.10" sorts before "blocks.2"
  const FakeSource source = make_source(sizes);
  const Plan plan = discover("{}", source, "model");
  EXPECT_EQ(plan.layers[1 + 2 * 10].name, "blocks.10.mlstm");
  EXPECT_THAT(source_names(parameter_of(plan, "blocks.10.ffn.down.weight"), source),
              ElementsAre("backbone.blocks.10.ffn.proj_down.weight"));
}

TEST(Discover, Biases) {
  Sizes sizes;
  sizes.bias = true;
  const FakeSource source = make_source(sizes);
  for (const char* config : {"{}", R"({"use_bias": true})"}) {
    const Plan plan = discover(config, source, "model");
    EXPECT_TRUE(flag_of(plan, "use_bias"));
    EXPECT_EQ(parameter_of(plan, "blocks.0.mlstm.norm.bias").shape, (Shape{24}));
    EXPECT_EQ(parameter_of(plan, "blocks.0.mlstm.qkvo.bias").shape, (Shape{96}));
    EXPECT_EQ(parameter_of(plan, "blocks.0.mlstm.head_norm.bias").shape, (Shape{36}));
    EXPECT_EQ(parameter_of(plan, "blocks.0.mlstm.out.bias").shape, (Shape{24}));
    EXPECT_EQ(parameter_of(plan, "blocks.0.ffn.norm.bias").shape, (Shape{24}));
    EXPECT_EQ(parameter_of(plan, "blocks.0.ffn.up.bias").shape, (Shape{128}));
    EXPECT_EQ(parameter_of(plan, "blocks.0.ffn.down.bias").shape, (Shape{24}));
    EXPECT_FALSE(flag_of(plan, "out_norm_bias"));
  }
}

TEST(Discover, BiasOfTheOutNormOnlyWhereItIs) {
  Sizes sizes;
  sizes.bias = true;
  FakeSource source = make_source(sizes);
  source.add("backbone.out_norm.bias", {24});
  const Plan plan = discover("{}", source, "model");
  EXPECT_TRUE(flag_of(plan, "out_norm_bias"));
  EXPECT_TRUE(parameter_of(plan, "out_norm.bias").keep_float32);
}

TEST(Discover, FusedWeightsHaveOneSource) {
  Sizes sizes;
  sizes.fused = sizes.bias = true;
  const FakeSource source = make_source(sizes);
  const Plan plan = discover(R"({"weight_mode": "fused", "num_heads": 3})", source, "model");
  EXPECT_EQ(plan.dialect, "hf+fused");
  EXPECT_EQ(size_of(plan, "DHQK"), 4);
  EXPECT_EQ(size_of(plan, "DHV"), 12);
  EXPECT_EQ(size_of(plan, "F"), 64);
  const Parameter& qkvo = parameter_of(plan, "blocks.0.mlstm.qkvo.weight");
  EXPECT_EQ(qkvo.shape, (Shape{96, 24}));
  EXPECT_THAT(source_names(qkvo, source),
              ElementsAre("backbone.blocks.0.mlstm_layer.qkv_opreact.weight"));
  // Fused or not, the model is the same.
  sizes.fused = false;
  const Plan single = discover("{}", make_source(sizes), "model");
  EXPECT_EQ(single.parameter_count(), plan.parameter_count());
  for (const Layer& layer : single.layers) {
    for (const Parameter& parameter : layer.parameters)
      EXPECT_EQ(parameter.shape, parameter_of(plan, parameter.name).shape);
  }
}

TEST(Discover, FusedAndSingleMayMixTensorByTensor) {
  Sizes fused;
  fused.fused = true;
  FakeSource source = make_source();
  for (const char* part : {"q", "k", "v", "ogate_preact"}) {
    source.remove(block_name(1, std::string("mlstm_layer.") + part + ".weight"));
  }
  source.add(block_name(1, "mlstm_layer.qkv_opreact.weight"), {96, 24});
  const Plan plan = discover("{}", source, "model");
  EXPECT_EQ(plan.dialect, "hf+fused");
  EXPECT_EQ(parameter_of(plan, "blocks.0.mlstm.qkvo.weight").sources.size(), 4u);
  EXPECT_EQ(parameter_of(plan, "blocks.1.mlstm.qkvo.weight").sources.size(), 1u);
  EXPECT_EQ(parameter_of(plan, "blocks.1.mlstm.gates.weight").sources.size(), 2u);
}

TEST(Discover, PackageNames) {
  FakeSource source = make_source();
  source.remove("backbone.embeddings.weight").add("embedding.weight", {40, 24});
  EXPECT_EQ(discover("{}", source, "model").dialect, "package");
}

TEST(Discover, QueryKeyValueAliases) {
  FakeSource source = make_source();
  source.rename([](const std::string& name) {
    std::string out = name;
    const std::vector<std::pair<std::string, std::string>> aliases = {
        {".q.", ".query."}, {".k.", ".key."}, {".v.", ".value."}};
    for (const auto& [from, to] : aliases) {
      if (const auto at = out.find(from); at != std::string::npos) out.replace(at, 3, to);
    }
    return out;
  });
  ASSERT_TRUE(source.has(block_name(0, "mlstm_layer.value.weight")));
  const Plan plan = discover("{}", source, "model");
  EXPECT_THAT(source_names(parameter_of(plan, "blocks.0.mlstm.qkvo.weight"), source),
              ElementsAre("backbone.blocks.0.mlstm_layer.query.weight",
                          "backbone.blocks.0.mlstm_layer.key.weight",
                          "backbone.blocks.0.mlstm_layer.value.weight",
                          "backbone.blocks.0.mlstm_layer.ogate_preact.weight"));
}

TEST(Discover, WrapperPrefixes) {
  for (const char* prefix : {"model.", "module.", "_orig_mod.", "module._orig_mod.model."}) {
    FakeSource source = make_source();
    source.rename([&](const std::string& name) { return prefix + name; });
    const Plan plan = discover("{}", source, "model");
    EXPECT_EQ(size_of(plan, "D"), 24) << prefix;
    EXPECT_EQ(plan.dialect, "hf") << prefix;
  }
}

TEST(Discover, BackboneAlone) {
  FakeSource source = make_source();
  source.remove("lm_head.weight");
  source.rename(
      [](const std::string& name) { return name.substr(std::string("backbone.").size()); });
  ASSERT_TRUE(source.has("blocks.0.norm_ffn.weight"));
  EXPECT_TRUE(discover(R"({"tie_word_embeddings": true})", source, "model").tied_head());
}

TEST(Discover, TiedHead) {
  FakeSource source = make_source();
  source.remove("lm_head.weight");
  for (const char* config : {"{}", R"({"tie_word_embeddings": true})"}) {
    const Plan plan = discover(config, source, "model");
    EXPECT_TRUE(flag_of(plan, "tied_head"));
    EXPECT_TRUE(plan.layer("lm_head").parameters.empty());
    EXPECT_EQ(plan.layer("lm_head").parameter_count, 0u);
  }
}

TEST(Discover, AHeadThatIsThereIsUsed) {
  const FakeSource source = make_source();
  const Plan plan = discover(R"({"tie_word_embeddings": true})", source, "model");
  EXPECT_FALSE(flag_of(plan, "tied_head"));
  EXPECT_EQ(parameter_of(plan, "lm_head.weight").shape, (Shape{40, 24}));
}

TEST(Discover, NoOutNorm) {
  FakeSource source = make_source();
  source.remove("backbone.out_norm.weight");
  for (const char* config : {"{}", R"({"add_out_norm": false})"}) {
    const Plan plan = discover(config, source, "model");
    EXPECT_FALSE(flag_of(plan, "has_out_norm"));
    EXPECT_EQ(plan.layers.back().name, "lm_head");
    EXPECT_EQ(plan.layers[plan.layers.size() - 2].name, "blocks.1.ffn");
  }
}

TEST(Discover, AnOutNormThatIsThereIsApplied) {
  EXPECT_TRUE(
      flag_of(discover(R"({"add_out_norm": false})", make_source(), "model"), "has_out_norm"));
}

// D = 768 times 2.667 is 2048.256, which the reference rounds down to 2048 and a true ceiling up to
// 2112. Both are about.
TEST(Discover, FfnWidthByEitherRounding) {
  for (const std::int64_t F : {2048, 2112}) {
    const Sizes sizes{50257, 768, 2, 4, 384, 768, F};
    const Plan plan =
        discover(R"({"embedding_dim": 768, "num_blocks": 2, "ffn_proj_factor": 2.667})",
                 make_source(sizes), "model");
    EXPECT_EQ(size_of(plan, "F"), F);
  }
}

// D = 736: DQK is 368, although Hugging Face sizes its cache for 384.
TEST(Discover, WidthsThatAreNoMultipleOf64) {
  const Sizes sizes{65536, 736, 2, 4, 368, 736, 1984};
  const Plan plan = discover(R"({"hidden_size": 736, "num_hidden_layers": 2, "num_heads": 4,
    "qk_dim_factor": 0.5, "v_dim_factor": 1.0, "ffn_proj_factor": 2.667, "vocab_size": 65536})",
                             make_source(sizes), "model");
  EXPECT_EQ(size_of(plan, "DHQK"), 92);
  EXPECT_EQ(size_of(plan, "DHV"), 184);
  EXPECT_EQ(plan.layer("blocks.0.mlstm").state_bytes(), 4u * (4 * 92 * 184 + 4 * 92 + 4));
}

// Hugging Face writes its default 4096 and 32 into the other name of the two.
TEST(Discover, OneOfTwoNamesIsEnough) {
  const FakeSource source = make_source();
  const char* configs[] = {
      R"({"embedding_dim": 24, "num_blocks": 2})", R"({"hidden_size": 24, "num_hidden_layers": 2})",
      R"({"hidden_size": 4096, "embedding_dim": 24, "num_hidden_layers": 32, "num_blocks": 2})",
      R"({"hidden_size": 24, "embedding_dim": 4096, "num_hidden_layers": 2, "num_blocks": 32})",
      R"({"hidden_size": 24, "embedding_dim": null, "num_hidden_layers": 2, "num_blocks": null})"};
  for (const char* config : configs) {
    const Plan plan = discover(config, source, "model");
    EXPECT_EQ(size_of(plan, "D"), 24) << config;
    EXPECT_EQ(size_of(plan, "L"), 2) << config;
  }
}

TEST(Discover, DtypesPerTensor) {
  Sizes sizes;
  sizes.dtype = DType::kBF16;
  FakeSource source = make_source(sizes);
  source.add(block_name(0, "mlstm_layer.igate_preact.bias"), {3}, DType::kF32);
  source.add("lm_head.weight", {40, 24}, DType::kF16);
  const Plan plan = discover("{}", source, "model");
  EXPECT_EQ(plan.layer("embedding").dtype, "BF16");
  EXPECT_EQ(plan.layer("embedding").bytes, 2u * 40 * 24);
  EXPECT_EQ(plan.layer("blocks.0.mlstm").dtype, "BF16+F32");
  EXPECT_EQ(plan.layer("blocks.0.mlstm").bytes,
            2 * plan.layer("blocks.0.mlstm").parameter_count + 2 * 3);
  EXPECT_EQ(plan.layer("lm_head").dtype, "F16");
}

class DiscoverFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(::testing::TempDir()) / "xlstm-wiring" / test->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const char* name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  std::filesystem::path folder_;
};

TEST_F(DiscoverFolder, IsNamedAfterTheFolder) {
  write("config.json", "{}");
  EXPECT_EQ(discover(folder_, make_source()).name, "IsNamedAfterTheFolder");
  EXPECT_EQ(discover(folder_ / "", make_source()).name, "IsNamedAfterTheFolder");
}

TEST_F(DiscoverFolder, WithoutConfig) {
  const std::string text = message_of(ErrorKind::kFile, [&] { discover(folder_, make_source()); });
  EXPECT_EQ(text, str("[", folder_.string(),
                      "] wanted a file config.json, config.yaml or model-config.yaml, or weights "
                      "that carry a config, got none"));
}

TEST_F(DiscoverFolder, YamlWhereThereIsNoJson) {
  write("model-config.yaml", "embedding_dim: 24\nnorm_eps: 1e-4\n");
  EXPECT_EQ(discover(folder_, make_source()).layer("out_norm").spec_as<RmsNormSpec>().eps, 1e-4F);
  write("config.yaml", "embedding_dim: 24\nnorm_eps: 1e-3\n");
  EXPECT_EQ(discover(folder_, make_source()).layer("out_norm").spec_as<RmsNormSpec>().eps, 1e-3F);
  write("config.json", R"({"norm_eps": 0.5})");
  EXPECT_EQ(discover(folder_, make_source()).layer("out_norm").spec_as<RmsNormSpec>().eps, 0.5F);
}

TEST_F(DiscoverFolder, YamlThatIsNoConfig) {
  write("config.yaml", "- 1\n");
  EXPECT_THAT(message_of(ErrorKind::kFormat, [&] { discover(folder_, make_source()); }),
              HasSubstr("config.yaml"));
  write("config.yaml", "a: !!python/object:os.system {}\n");
  EXPECT_THAT(message_of(ErrorKind::kFormat, [&] { discover(folder_, make_source()); }),
              HasSubstr("nothing is constructed"));
}

TEST_F(DiscoverFolder, ConfigThatIsAFolder) {
  std::filesystem::create_directory(folder_ / "config.json");
  message_of(ErrorKind::kFile, [&] { discover(folder_, make_source()); });
}

TEST_F(DiscoverFolder, EmptyConfig) {
  write("config.json", "");
  const std::string text =
      message_of(ErrorKind::kFormat, [&] { discover(folder_, make_source()); });
  EXPECT_THAT(text, HasSubstr((folder_ / "config.json").string()));
}

TEST_F(DiscoverFolder, FaultsNameTheFolder) {
  write("config.json", R"({"vocab_size": 41})");
  const std::string text = message_of(ErrorKind::kModel, [&] { discover(folder_, make_source()); });
  EXPECT_EQ(text, str("[", folder_.string(),
                      "] this model cannot be run: 1 fault:\n"
                      "  - vocab_size is 41, the tensors say V = 40"));
}

}  // namespace
}  // namespace xlstm::testing
