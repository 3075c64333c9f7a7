#include "xlstm/wiring/config.h"

#include <limits>
#include <string>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"

namespace xlstm {
namespace {

// MLX counts along an axis in 32 bits.
constexpr std::int64_t kLongestAxis = std::numeric_limits<std::int32_t>::max();

// One object's keys with the checks that every key of its kind gets.
class Keys {
 public:
  Keys(const Json& object, std::string_view where, Faults& faults)
      : object_(object), where_(where), faults_(faults) {}

  // A count: from 1 to what an axis can hold.
  std::optional<std::int64_t> count(std::string_view key) {
    const auto value = get_int(object_, key, where_);
    if (!value || (*value >= 1 && *value <= kLongestAxis)) return value;
    wanted(key, str("a whole number from 1 to ", kLongestAxis), str(*value));
    return std::nullopt;
  }

  // A number that is finite and positive, also as float32.
  std::optional<double> positive(std::string_view key) {
    const auto value = get_number(object_, key, where_);
    if (!value) return value;
    const bool fits = *value > 0 && *value <= std::numeric_limits<float>::max();
    if (fits && static_cast<float>(*value) > 0) return value;
    wanted(key, "a finite number above 0", str(*value));
    return std::nullopt;
  }

  float positive_or(std::string_view key, float missing) {
    return static_cast<float>(positive(key).value_or(missing));
  }

  // Absent: the default. null: no cap.
  std::optional<float> cap(std::string_view key, float missing) {
    const auto found = object_.find(std::string(key));
    if (found == object_.end()) return missing;
    if (found->is_null()) return std::nullopt;
    return positive_or(key, missing);
  }

  std::optional<bool> flag(std::string_view key) { return get_bool(object_, key, where_); }
  std::optional<std::string> text(std::string_view key) { return get_string(object_, key, where_); }

  // Token ids: Hugging Face allows a number or a list, and writes -1 for none.
  std::vector<std::int64_t> tokens(std::string_view key) {
    std::vector<std::int64_t> ids;
    const auto found = object_.find(std::string(key));
    if (found == object_.end() || !found->is_array()) {
      const auto value = get_int(object_, key, where_);
      if (value && *value >= 0) ids.push_back(*value);
      return ids;
    }
    for (const Json& value : *found) {
      if (value.is_number_integer() && value.get<std::int64_t>() >= 0) {
        ids.push_back(value.get<std::int64_t>());
      }
    }
    return ids;
  }

  std::optional<std::int64_t> token(std::string_view key) {
    const std::vector<std::int64_t> ids = tokens(key);
    return ids.empty() ? std::nullopt : std::optional(ids.front());
  }

  void refuse(std::string_view key, std::string_view reason) {
    faults_.add([&] { return str(key, " ", reason); });
  }

 private:
  void wanted(std::string_view key, std::string_view what, std::string_view got) {
    faults_.add([&] { return str(key, ": wanted ", what, ", got ", got); });
  }

  const Json& object_;
  std::string_view where_;
  Faults& faults_;
};

// Kernel names choose among equal implementations, except those of the sigmoid input gate.
void refuse_other_cells(Keys& keys) {
  for (const char* key : {"chunkwise_kernel", "sequence_kernel", "step_kernel"}) {
    const auto kernel = keys.text(key);
    if (kernel && kernel->find("siging") != std::string::npos) {
      keys.refuse(key, str("is ", quoted(*kernel),
                           ": the cell with a sigmoid input gate (siging) is not run yet"));
    }
  }
  const auto layout = keys.text("weight_mode");
  if (layout && *layout != "single" && *layout != "fused") {
    keys.refuse("weight_mode", str("is ", quoted(*layout), ", wanted \"single\" or \"fused\""));
  }
}

void refuse_other_models(Keys& keys) {
  const auto type = keys.text("model_type");
  if (type && *type != "xlstm") {
    keys.refuse("model_type", str("is ", quoted(*type), ", wanted \"xlstm\" or none"));
  }
}

void refuse_other_norms(Keys& keys) {
  if (keys.flag("add_qk_norm").value_or(false)) {
    keys.refuse("add_qk_norm", "is true: norms on queries and keys are not run yet");
  }
  if (keys.flag("add_post_norm").value_or(false)) {
    keys.refuse("add_post_norm", "is true: norms after each layer are not run yet");
  }
}

void read_sizes(Keys& keys, LargeConfig& config) {
  config.vocab_size = keys.count("vocab_size");
  config.embedding_dim = keys.count("embedding_dim");
  config.hidden_size = keys.count("hidden_size");
  config.num_blocks = keys.count("num_blocks");
  config.num_hidden_layers = keys.count("num_hidden_layers");
  config.num_heads = keys.count("num_heads");
  config.qk_dim_factor = keys.positive("qk_dim_factor");
  config.v_dim_factor = keys.positive("v_dim_factor");
  config.ffn_proj_factor = keys.positive("ffn_proj_factor");
  config.ffn_round_up_to_multiple_of =
      keys.count("ffn_round_up_to_multiple_of").value_or(config.ffn_round_up_to_multiple_of);
  config.chunk_size = keys.count("chunk_size").value_or(config.chunk_size);
}

void read_parts(Keys& keys, LargeConfig& config) {
  config.use_bias = keys.flag("use_bias");
  config.add_out_norm = keys.flag("add_out_norm");
  // The training code's word for the norm behind the last block, which the 7B file still carries.
  if (!config.add_out_norm && keys.flag("add_post_blocks_norm").value_or(false)) {
    config.add_out_norm = true;
  }
  config.tie_word_embeddings = keys.flag("tie_word_embeddings");
}

void read_constants(Keys& keys, LargeConfig& config) {
  config.norm_reduction_force_float32 = keys.flag("norm_reduction_force_float32").value_or(true);
  config.norm_eps = keys.positive_or("norm_eps", config.norm_eps);
  config.eps = keys.positive_or("eps", config.eps);
  config.gate_soft_cap = keys.cap("gate_soft_cap", *config.gate_soft_cap);
  config.output_logit_soft_cap = keys.cap("output_logit_soft_cap", *config.output_logit_soft_cap);
}

TokenIds read_tokens(Keys& keys) {
  return {keys.token("bos_token_id"), keys.token("pad_token_id"), keys.tokens("eos_token_id")};
}

Json parse_object(std::string_view json, std::string_view where) {
  Json root = parse_json(json, where);
  if (!root.is_object()) fail_wanted(ErrorKind::kFormat, where, "a JSON object", kind_of(root));
  return root;
}

}  // namespace

LargeConfig read_large_config(std::string_view json, std::string_view where, Faults& faults) {
  const Json root = parse_object(json, where);
  Keys keys(root, where, faults);
  LargeConfig config;
  refuse_other_models(keys);
  refuse_other_cells(keys);
  refuse_other_norms(keys);
  read_sizes(keys, config);
  read_parts(keys, config);
  read_constants(keys, config);
  config.tokens = read_tokens(keys);
  config.quantization = read_quantization(root, where);
  return config;
}

TokenIds read_generation_config(std::string_view json, std::string_view where) {
  const Json root = parse_object(json, where);
  Faults none;
  Keys keys(root, where, none);
  return read_tokens(keys);
}

}  // namespace xlstm
