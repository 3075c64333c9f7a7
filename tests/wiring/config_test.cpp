#include "xlstm/wiring/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;

LargeConfig read_sound(const char* json) {
  Faults faults;
  const LargeConfig config = read_large_config(json, "config.json", faults);
  EXPECT_NO_THROW(faults.throw_if_any("model"));
  return config;
}

// The one fault of a config, without the frame around it.
std::string fault_of(const std::string& json) {
  Faults faults;
  read_large_config(json, "config.json", faults);
  EXPECT_EQ(faults.count(), 1u) << json;
  const std::string text = message_of(ErrorKind::kModel, [&] { faults.throw_if_any("model"); });
  const std::string frame = "[model] this model cannot be run: 1 fault:\n  - ";
  EXPECT_EQ(text.substr(0, frame.size()), frame);
  return text.substr(frame.size());
}

TEST(Config, EmptyObjectGivesDefaults) {
  const LargeConfig c = read_sound("{}");
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

TEST(Config, ReadsEachKey) {
  const LargeConfig c = read_sound(R"({"vocab_size": 1, "embedding_dim": 2, "hidden_size": 3,
    "num_blocks": 4, "num_hidden_layers": 5, "num_heads": 6, "qk_dim_factor": 0.25,
    "v_dim_factor": 2, "ffn_proj_factor": 1.5, "ffn_round_up_to_multiple_of": 32, "use_bias": true,
    "add_out_norm": false, "tie_word_embeddings": true, "norm_reduction_force_float32": false,
    "norm_eps": 1e-5, "eps": 1e-4, "gate_soft_cap": 8, "output_logit_soft_cap": 20.5,
    "chunk_size": 16, "bos_token_id": 7, "eos_token_id": 8, "pad_token_id": 9})");
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
  EXPECT_EQ(c.tokens.bos, 7);
  EXPECT_EQ(c.tokens.eos, std::vector<std::int64_t>{8});
  EXPECT_EQ(c.tokens.pad, 9);
}

TEST(Config, NullCapsAreNoCaps) {
  const LargeConfig c = read_sound(R"({"gate_soft_cap": null, "output_logit_soft_cap": null})");
  EXPECT_FALSE(c.gate_soft_cap.has_value());
  EXPECT_FALSE(c.output_logit_soft_cap.has_value());
}

TEST(Config, OtherNullsAreAbsent) {
  const LargeConfig c = read_sound(R"({"vocab_size": null, "use_bias": null, "eps": null,
                                       "chunk_size": null, "step_kernel": null})");
  EXPECT_FALSE(c.vocab_size || c.use_bias);
  EXPECT_EQ(c.eps, 1e-6F);
  EXPECT_EQ(c.chunk_size, 64);
}

TEST(Config, TokenIds) {
  const LargeConfig c =
      read_sound(R"({"bos_token_id": -1, "eos_token_id": [5, 6], "pad_token_id": []})");
  EXPECT_FALSE(c.tokens.bos.has_value());
  EXPECT_EQ(c.tokens.eos, (std::vector<std::int64_t>{5, 6}));
  EXPECT_FALSE(c.tokens.pad.has_value());
}

TEST(Config, WrongTypesAreMalformed) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"vocab_size": "50304"})", "vocab_size"}, {R"({"vocab_size": 1.5})", "vocab_size"},
      {R"({"num_heads": true})", "num_heads"},      {R"({"use_bias": 1})", "use_bias"},
      {R"({"norm_eps": "1e-6"})", "norm_eps"},      {R"({"gate_soft_cap": [15]})", "gate_soft_cap"},
      {R"({"step_kernel": 3})", "step_kernel"},     {R"({"add_qk_norm": "no"})", "add_qk_norm"},
      {R"({"eos_token_id": "2"})", "eos_token_id"}, {R"({"chunk_size": {}})", "chunk_size"}};
  for (const auto& [json, key] : cases) {
    Faults faults;
    const std::string text = message_of(
        ErrorKind::kFormat, [&, text_in = json] { read_large_config(text_in, "c.json", faults); });
    EXPECT_THAT(text, HasSubstr("[c.json] wanted ")) << json;
    EXPECT_THAT(text, HasSubstr(key)) << json;
  }
}

TEST(Config, NotAnObject) {
  for (const char* json : {"[]", "3", "null", "\"x\"", "", "{", "{\"eps\": NaN}", "\xff"}) {
    Faults faults;
    message_of(ErrorKind::kFormat, [&] { read_large_config(json, "c.json", faults); });
  }
}

TEST(Config, NumbersOutOfRange) {
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

TEST(Config, OtherArchitecturesAreRefused) {
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

TEST(Config, OtherModelsAreRefused) {
  EXPECT_EQ(fault_of(R"({"model_type": "llama"})"),
            "model_type is \"llama\", wanted \"xlstm\" or none");
  read_sound(R"({"model_type": "xlstm"})");
}

TEST(Config, KernelNamesOfTheSameCellAreIgnored) {
  read_sound(R"({"chunkwise_kernel": "chunkwise--triton_xl_chunk", "step_kernel": "triton",
                 "sequence_kernel": "some_kernel_of_tomorrow", "weight_mode": "fused",
                 "add_qk_norm": false, "add_post_norm": false, "mode": "train"})");
}

TEST(Config, FaultsAreGathered) {
  Faults faults;
  read_large_config(R"({"add_qk_norm": true, "add_post_norm": true, "eps": -1, "num_heads": 0})",
                    "config.json", faults);
  EXPECT_EQ(faults.count(), 4u);
}

}  // namespace
}  // namespace xlstm::testing
