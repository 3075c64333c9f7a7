#include "xlstm/wiring/families/tirex2/config.h"

#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/wiring/dims.h"
#include "xlstm/wiring/quantile_levels.h"

namespace xlstm::tirex2 {
namespace {

// An object within the config, and where it lies: "stack_config.".
struct Part {
  ConfigFile file;
  std::string path;
};

// Empty where there is none, which is a fault.
std::optional<Part> part_of(const ConfigFile& file, const std::string& path, const std::string& key,
                            Diagnostics& diagnostics) {
  const auto found = file.root.find(key);
  if (found != file.root.end() && found->is_object()) {
    return Part{{*found, str(file.where, ": ", path, key)}, str(path, key, ".")};
  }
  diagnostics.add([&] {
    return str(path, key, ": wanted an object, got ",
               found == file.root.end() ? "nothing" : described(*found));
  });
  return std::nullopt;
}

class Reader {
 public:
  Reader(const ConfigFile& file, Diagnostics& diagnostics)
      : file_(file), diagnostics_(diagnostics), keys_(file, diagnostics) {}

  Tirex2Config take() {
    keys_.refuse_all_but({"stack_config",
                          "num_blocks",
                          "embedding_dim",
                          "input_patch_size",
                          "output_patch_size",
                          "quantiles",
                          "tokenizer_cfg",
                          "scaler_cfg",
                          "h_expand",
                          "context_len",
                          "future_len",
                          "input_ff_dim",
                          "act_func",
                          "dropout",
                          "use_qk_norm",
                          "stack_out_norm_config",
                          "tta_sign_flip",
                          "tta_diff",
                          "device",
                          "matmul_precision",
                          "postprocessor_cfg",
                          "quantization",
                          "quantization_config"});
    out_.D = wanted_count("embedding_dim");
    out_.input_ff_dim = wanted_count("input_ff_dim");
    read_head();
    out_.qk_norm = keys_.flag("use_qk_norm").value_or(true);
    out_.act_func = read_act_func();
    read_out_norm();
    read_series();
    read_scaler();
    read_tokenizer();
    if (const auto stack = part_of(file_, "", "stack_config", diagnostics_)) read_stack(*stack);
    return std::move(out_);
  }

 private:
  std::int64_t wanted_count(std::string_view key) {
    return keys_.require(key) ? keys_.count(key).value_or(0) : 0;
  }

  std::int64_t wanted_values(std::string_view key) {
    return keys_.require(key) ? keys_.count(key, kMostSeriesValues).value_or(0) : 0;
  }

  void read_head() {
    if (!keys_.require("h_expand")) return;
    const double width =
        std::trunc(static_cast<double>(out_.D) * keys_.positive("h_expand").value_or(0));
    if (width >= 1 && width <= 0x1p31 - 1) {
      out_.head_ff_dim = static_cast<std::int64_t>(width);
    } else if (out_.D > 0) {
      keys_.refuse("h_expand", str("makes the head ", width, " wide"));
    }
  }

  Activation read_act_func() {
    if (!keys_.require("act_func")) return Activation::kSilu;
    const std::string text = keys_.text("act_func").value_or("");
    const std::string name = text.substr(text.rfind('.') + 1);  // also "torch.nn.SiLU"
    if (name == "SiLU") return Activation::kSilu;
    if (name == "ReLU") return Activation::kRelu;
    if (name == "GELU") return Activation::kGelu;
    keys_.refuse("act_func", str("is ", quoted(text), ": only SiLU, ReLU and GELU are run"));
    return Activation::kSilu;
  }

  void read_out_norm() {
    const auto found = file_.root.find("stack_out_norm_config");
    if (found == file_.root.end() || found->is_null()) return;
    const auto part = part_of(file_, "", "stack_out_norm_config", diagnostics_);
    if (!part) return;
    ConfigKeys keys(part->file, diagnostics_, part->path);
    keys.refuse_all_but({"eps", "use_rmsnorm"});
    keys.flag("use_rmsnorm");  // names one of two equal norms
    out_.out_norm_eps = keys.positive_or("eps", 1e-7F);
  }

  void read_series() {
    SeriesSpec& series = out_.series;
    series.P = wanted_values("input_patch_size");
    const std::int64_t output = wanted_values("output_patch_size");
    if (output != series.P) {
      keys_.refuse("output_patch_size", str("is ", output, " and input_patch_size ", series.P,
                                            ": only equal ones are run"));
    }
    series.context = wanted_values("context_len");
    series.future = wanted_values("future_len");
    if (series.P > 0 && series.future % series.P != 0) {
      keys_.refuse("future_len",
                   str("is ", series.future, ", which is no multiple of the patch, ", series.P));
    }
    series.difference_trends = keys_.flag("tta_diff").value_or(true);
    series.flip_sign = keys_.flag("tta_sign_flip").value_or(false);
    series.quantiles = read_quantile_levels(file_, keys_);
  }

  void read_scaler() {
    const auto part = part_of(file_, "", "scaler_cfg", diagnostics_);
    if (!part) return;
    ConfigKeys keys(part->file, diagnostics_, part->path);  // other keys are ignored
    out_.series.use_arcsinh = keys.flag("use_arcsinh").value_or(false);
    out_.series.binary_aware = keys.flag("binaryaware").value_or(false);
    out_.series.scale_eps = keys.positive_or("eps", out_.series.scale_eps);
  }

  void read_tokenizer() {
    const auto part = part_of(file_, "", "tokenizer_cfg", diagnostics_);
    if (!part) return;
    ConfigKeys keys(part->file, diagnostics_, part->path);
    keys.refuse_all_but({"input_patch_size", "output_patch_size", "input_patch_stride"});
    for (const char* key : {"input_patch_size", "output_patch_size", "input_patch_stride"}) {
      const auto value = keys.require(key) ? keys.count(key) : std::nullopt;
      if (value && *value != out_.series.P) {
        keys.refuse(key,
                    str("is ", *value, ": only that of the patch, ", out_.series.P, ", is run"));
      }
    }
  }

  void read_stack(const Part& stack) {
    ConfigKeys keys(stack.file, diagnostics_, stack.path);
    keys.refuse_all_but({"templates", "recipe"});
    const auto templates = part_of(stack.file, stack.path, "templates", diagnostics_);
    if (!templates) return;
    std::map<std::string, BlockConfig> blocks;
    for (const auto& [name, value] : templates->file.root.items()) {
      if (const auto part = part_of(templates->file, templates->path, name, diagnostics_)) {
        blocks[name] = read_template(*part);
      }
    }
    const auto recipe = stack.file.root.find("recipe");
    if (recipe == stack.file.root.end() || !recipe->is_array()) {
      return keys.refuse("recipe", "wants a list of names of templates");
    }
    for (const Json& name : *recipe) {
      const auto found = name.is_string() ? blocks.find(name.get<std::string>()) : blocks.end();
      if (found == blocks.end()) {
        return keys.refuse("recipe", str("wants names of templates, got ", described(name)));
      }
      out_.blocks.push_back(found->second);
    }
    const std::int64_t count = wanted_count("num_blocks");
    if (count > 0 && count != std::ssize(out_.blocks)) {
      keys_.refuse("num_blocks", str("is ", count, ", the recipe has ", out_.blocks.size()));
    }
  }

  BlockConfig read_template(const Part& part) {
    ConfigKeys keys(part.file, diagnostics_, part.path);
    keys.refuse_all_but({"time_mixer", "variate_mixer", "dropout", "eps"});
    BlockConfig block;
    if (const auto mixer = part_of(part.file, part.path, "time_mixer", diagnostics_)) {
      read_time_mixer(*mixer, block);
    }
    if (const auto mixer = part_of(part.file, part.path, "variate_mixer", diagnostics_)) {
      ConfigKeys inner(mixer->file, diagnostics_, mixer->path);
      inner.refuse_all_but({"embedding_dim", "num_heads", "use_flex_attention"});
      inner.flag("use_flex_attention");
      block.attention_heads = heads_of(inner, "num_heads", kDefaultHeads);
      check_width(inner);
    }
    return block;
  }

  void read_time_mixer(const Part& part, BlockConfig& block) {
    ConfigKeys keys(part.file, diagnostics_, part.path);
    keys.refuse_all_but(
        {"model_type", "embedding_dim", "num_heads", "num_slstm_heads", "device", "rnn_backend"});
    const std::string type = keys.require("model_type") ? keys.text("model_type").value_or("") : "";
    block.is_slstm = type == "bi-slstm";
    if (!block.is_slstm && type != "bi-mlstm" && !type.empty()) {
      keys.refuse("model_type", str("is ", quoted(type), ": only bi-mlstm and bi-slstm are run"));
    }
    const std::int64_t heads = heads_of(keys, "num_heads", kDefaultHeads);
    block.cell_heads = block.is_slstm ? heads_of(keys, "num_slstm_heads", heads) : heads;
    if (!block.is_slstm && out_.D % 2 != 0) keys_.refuse("embedding_dim", "is odd");
    check_width(keys);
  }

  // Heads divide the width, and of an mLSTM half of it.
  std::int64_t heads_of(ConfigKeys& keys, std::string_view key, std::int64_t missing) {
    const std::int64_t heads = keys.count(key).value_or(missing);
    if (out_.D > 0 && out_.D % heads != 0) {
      keys.refuse(key, str("is ", heads, ", which does not divide the width, ", out_.D));
    }
    return heads;
  }

  void check_width(ConfigKeys& keys) {
    const std::int64_t width =
        keys.require("embedding_dim") ? keys.count("embedding_dim").value_or(out_.D) : out_.D;
    if (width != out_.D) {
      keys.refuse("embedding_dim", str("is ", width, ", that of the model ", out_.D));
    }
  }

  static constexpr std::int64_t kDefaultHeads = 4;

  const ConfigFile& file_;
  Diagnostics& diagnostics_;
  ConfigKeys keys_;
  Tirex2Config out_;
};

}  // namespace

Tirex2Config read_config(const ConfigFile& file, Diagnostics& diagnostics) {
  return Reader(file, diagnostics).take();
}

}  // namespace xlstm::tirex2
