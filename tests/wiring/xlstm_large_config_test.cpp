#include "xlstm/wiring/families/xlstm_large/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;
using xlstm_large::LargeConfig;

LargeConfig read_large(std::string_view json, std::string_view where, Diagnostics& diagnostics) {
  return xlstm_large::read_config(parse_config(json, where), diagnostics);
}

LargeConfig read_valid(const char* json) {
  Diagnostics diagnostics;
  const LargeConfig config = read_large(json, "config.json", diagnostics);
  EXPECT_NO_THROW(diagnostics.throw_if_any("model"));
  return config;
}

// The one fault of a config, without the frame around it.
std::string fault_of(const std::string& json) {
  Diagnostics diagnostics;
  read_large(json, "config.json", diagnostics);
  EXPECT_EQ(diagnostics.count(), 1u) << json;
  const std::string text =
      message_of(ErrorKind::kModel, [&] { diagnostics.throw_if_any("model"); });
  const std::string frame = "[model] this model cannot be run: 1 fault:\n  - ";
  EXPECT_EQ(text.substr(0, frame.size()), frame);
  return text.substr(frame.size());
}

TEST(LargeConfig, EmptyObjectGivesDefaults) {
  const LargeConfig c = read_valid("{}");
  EXPECT_FALSE(c.vocab_size || c.embedding_dim || c.hidden_size || c.num_blocks);
  EXPECT_FALSE(c.use_bias || c.add_out_norm || c.tie_word_embeddings);
  EXPECT_TRUE(c.norm_reduction_force_float32);
  EXPECT_EQ(c.norm_eps, 1e-6F);
  EXPECT_EQ(c.eps, 1e-6F);
  EXPECT_EQ(c.gate_soft_cap, 15.0F);
  EXPECT_EQ(c.output_logit_soft_cap, 30.0F);
  EXPECT_EQ(c.chunk_size, 64);
  EXPECT_EQ(c.ffn_round_up_to_multiple_of, 64);
}

TEST(LargeConfig, ReadsEachKey) {
  const LargeConfig c = read_valid(R"({"vocab_size": 1, "embedding_dim": 2, "hidden_size": 3,
    "num_blocks": 4, "num_hidden_layers": 5, "num_heads": 6, "qk_dim_factor": 0.25,
    "v_dim_factor": 2, "ffn_proj_factor": 1.5, "ffn_round_up_to_multiple_of": 32, "use_bias": true,
    "add_out_norm": false, "tie_word_embeddings": true, "norm_reduction_force_float32": false,
    "norm_eps": 1e-5, "eps": 1e-4, "gate_soft_cap": 8, "output_logit_soft_cap": 20.5,
    "chunk_size": 16})");
  EXPECT_EQ(c.vocab_size, 1);
  EXPECT_EQ(c.embedding_dim, 2);
  EXPECT_EQ(c.hidden_size, 3);
  EXPECT_EQ(c.num_blocks, 4);
  EXPECT_EQ(c.num_hidden_layers, 5);
  EXPECT_EQ(c.num_heads, 6);
  EXPECT_EQ(c.qk_dim_factor, 0.25);
  EXPECT_EQ(c.v_dim_factor, 2.0);
  EXPECT_EQ(c.ffn_proj_factor, 1.5);
  EXPECT_EQ(c.ffn_round_up_to_multiple_of, 32);
  EXPECT_EQ(c.use_bias, true);
  EXPECT_EQ(c.add_out_norm, false);
  EXPECT_EQ(c.tie_word_embeddings, true);
  EXPECT_FALSE(c.norm_reduction_force_float32);
  EXPECT_EQ(c.norm_eps, 1e-5F);
  EXPECT_EQ(c.eps, 1e-4F);
  EXPECT_EQ(c.gate_soft_cap, 8.0F);
  EXPECT_EQ(c.output_logit_soft_cap, 20.5F);
  EXPECT_EQ(c.chunk_size, 16);
}

TEST(LargeConfig, NullCapsAreNoCaps) {
  const LargeConfig c = read_valid(R"({"gate_soft_cap": null, "output_logit_soft_cap": null})");
  EXPECT_FALSE(c.gate_soft_cap.has_value());
  EXPECT_FALSE(c.output_logit_soft_cap.has_value());
}

TEST(LargeConfig, OtherNullsAreAbsent) {
  const LargeConfig c = read_valid(R"({"vocab_size": null, "use_bias": null, "eps": null,
                                       "chunk_size": null, "step_kernel": null})");
  EXPECT_FALSE(c.vocab_size || c.use_bias);
  EXPECT_EQ(c.eps, 1e-6F);
  EXPECT_EQ(c.chunk_size, 64);
}

TEST(LargeConfig, WrongTypesAreMalformed) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"vocab_size": "50304"})", "vocab_size"}, {R"({"vocab_size": 1.5})", "vocab_size"},
      {R"({"num_heads": true})", "num_heads"},      {R"({"use_bias": 1})", "use_bias"},
      {R"({"norm_eps": "1e-6"})", "norm_eps"},      {R"({"gate_soft_cap": [15]})", "gate_soft_cap"},
      {R"({"step_kernel": 3})", "step_kernel"},     {R"({"add_qk_norm": "no"})", "add_qk_norm"},
      {R"({"chunk_size": {}})", "chunk_size"}};
  for (const auto& [json, key] : cases) {
    Diagnostics diagnostics;
    const std::string text = message_of(
        ErrorKind::kFormat, [&, text_in = json] { read_large(text_in, "c.json", diagnostics); });
    EXPECT_THAT(text, HasSubstr("[c.json] wanted ")) << json;
    EXPECT_THAT(text, HasSubstr(key)) << json;
  }
}

TEST(LargeConfig, NotAnObject) {
  for (const char* json : {"[]", "3", "null", "\"x\"", "", "{", "{\"eps\": NaN}", "\xff"}) {
    Diagnostics diagnostics;
    message_of(ErrorKind::kFormat, [&] { read_large(json, "c.json", diagnostics); });
  }
}

TEST(LargeConfig, NumbersOutOfRange) {
  for (const char* key : {"vocab_size", "embedding_dim", "hidden_size", "num_blocks", "num_heads",
                          "num_hidden_layers", "chunk_size", "ffn_round_up_to_multiple_of"}) {
    for (const char* value : {"0", "-4", "2147483648"}) {
      EXPECT_EQ(fault_of(str("{\"", key, "\": ", value, "}")),
                str(key, ": wanted a whole number from 1 to 2147483647, got ", value));
    }
  }
  for (const char* key : {"norm_eps", "eps", "gate_soft_cap", "output_logit_soft_cap",
                          "qk_dim_factor", "v_dim_factor", "ffn_proj_factor"}) {
    // The last two are 0 and infinite as float32.
    for (const char* value : {"0", "-1", "1e-60", "1e+60"}) {
      EXPECT_EQ(fault_of(str("{\"", key, "\": ", value, "}")),
                str(key, ": wanted a finite number above 0, got ", value));
    }
  }
}

TEST(LargeConfig, OtherArchitecturesAreRefused) {
  EXPECT_EQ(fault_of(R"({"add_qk_norm": true})"),
            "add_qk_norm is true: norms on queries and keys are not run yet");
  EXPECT_EQ(fault_of(R"({"add_post_norm": true})"),
            "add_post_norm is true: norms after each layer are not run yet");
  EXPECT_EQ(fault_of(R"({"weight_mode": "packed"})"),
            "weight_mode is \"packed\", wanted \"single\" or \"fused\"");
  for (const char* key : {"chunkwise_kernel", "sequence_kernel", "step_kernel"}) {
    EXPECT_EQ(fault_of(str("{\"", key, "\": \"chunkwise--triton_xl_chunk_siging\"}")),
              str(key,
                  " is \"chunkwise--triton_xl_chunk_siging\": the cell with a sigmoid input gate "
                  "(siging) is not run yet"));
  }
}

TEST(LargeConfig, OtherModelsAreRefused) {
  EXPECT_EQ(fault_of(R"({"model_type": "llama"})"),
            "model_type is \"llama\", wanted \"xlstm\" or none");
  read_valid(R"({"model_type": "xlstm"})");
}

TEST(LargeConfig, KernelNamesOfTheSameCellAreIgnored) {
  read_valid(R"({"chunkwise_kernel": "chunkwise--triton_xl_chunk", "step_kernel": "triton",
                 "sequence_kernel": "some_kernel_of_tomorrow", "weight_mode": "fused",
                 "add_qk_norm": false, "add_post_norm": false, "mode": "train"})");
}

TEST(LargeConfig, FaultsAreGathered) {
  Diagnostics diagnostics;
  read_large(R"({"add_qk_norm": true, "add_post_norm": true, "eps": -1, "num_heads": 0})",
             "config.json", diagnostics);
  EXPECT_EQ(diagnostics.count(), 4u);
}

}  // namespace
}  // namespace xlstm::testing
