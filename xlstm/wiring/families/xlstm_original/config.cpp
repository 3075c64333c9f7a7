#include "xlstm/wiring/families/xlstm_original/config.h"

#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "xlstm/base/error.h"

namespace xlstm::xlstm_original {
namespace {

constexpr std::array<std::pair<std::string_view, Activation>, 6> kActivations = {
    {{"gelu", Activation::kGelu},
     {"relu", Activation::kRelu},
     {"relu^2", Activation::kRelu2},
     {"sigmoid", Activation::kSigmoid},
     {"swish", Activation::kSilu},
     {"selu", Activation::kSelu}}};

// The keys of one dataclass with their place.
struct Section {
  Section(const ConfigFile& parent, const std::string& key, std::string place,
          Diagnostics& diagnostics)
      : file(sub_config(parent, key)), path(std::move(place)), keys(file, diagnostics, path) {}
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

  ConfigFile file;
  std::string path;
  ConfigKeys keys;
};

bool has_object(const ConfigFile& file, const char* key) {
  const auto found = file.root.find(key);
  return found != file.root.end() && !found->is_null();
}

// Widths that the package derives: numbers, or null or 0 before it has.
void add_derived(const Section& section, std::string_view key, ProjectionWidth& width) {
  const auto value = get_int(section.file.root, key, section.file.where);
  if (value && *value > 0) width.derived.emplace_back(key, *value);
}

ProjectionWidth read_width(Section& section, double factor) {
  ProjectionWidth out;
  out.path = section.path;
  out.factor = section.keys.positive("proj_factor").value_or(factor);
  out.round_up = section.keys.flag("round_proj_up_dim_up").value_or(true);
  out.multiple_of = section.keys.count("round_proj_up_to_multiple_of").value_or(out.multiple_of);
  add_derived(section, "_proj_up_dim", out);
  return out;
}

// 1 is no kernel of the package's either: its padding of 0 leaves nothing of the sequence.
std::int64_t read_kernel(Section& section, bool may_be_absent) {
  constexpr std::string_view kKey = "conv1d_kernel_size";
  constexpr std::int64_t kDefault = 4, kMost = 64;
  const auto value = get_int(section.file.root, kKey, section.file.where).value_or(kDefault);
  if ((value >= 2 && value <= kMost) || (value == 0 && may_be_absent)) return value;
  section.keys.refuse(kKey, str("is ", value, ", wanted ",
                                may_be_absent ? "0 (no convolution) or " : "", "2 to ", kMost));
  return kDefault;
}

MlstmConfig read_mlstm(Section& section) {
  constexpr double kProjFactor = 2.0;
  MlstmConfig out;
  out.num_heads = section.keys.count("num_heads");
  out.qkv_proj_blocksize = section.keys.count("qkv_proj_blocksize");
  out.conv1d_kernel_size = read_kernel(section, false);
  out.inner = read_width(section, kProjFactor);
  add_derived(section, "_inner_embedding_dim", out.inner);
  return out;
}

// What a number other than 0, or any number, would do to the recurrence.
void refuse_other_cells(Section& section) {
  ConfigKeys& keys = section.keys;
  const auto function = keys.text("function");
  if (function && *function != "slstm") {
    keys.refuse("function", str("is ", quoted(*function),
                                ": only the cell \"slstm\" is run, with exponential gates"));
  }
  const auto backend = keys.text("backend");
  if (backend && *backend != "cuda" && *backend != "vanilla") {
    keys.refuse("backend", str("is ", quoted(*backend), ", wanted \"cuda\" or \"vanilla\""));
  }
  const auto number = [&](const char* key) {
    return get_number(section.file.root, key, section.file.where);
  };
  if (const auto clip = number("forward_clipval")) {
    keys.refuse("forward_clipval", str("is ", *clip, ": outputs of the cell are not clipped"));
  }
  // The package's CUDA cell takes this for a clip of the forward pass too.
  const auto clip = number("gradient_recurrent_clipval");
  if (clip && backend.value_or("cuda") == "cuda") {
    keys.refuse("gradient_recurrent_clipval",
                str("is ", *clip, ", to which the backend \"cuda\" clips outputs of the cell, ",
                    "which is not run"));
  }
}

void refuse_other_starts(Section& section) {
  const auto found = section.file.root.find("initial_val");
  if (found == section.file.root.end() || found->is_null()) return;
  if (found->is_number() && found->get<double>() == 0) return;
  section.keys.refuse("initial_val", str("is ", described(*found),
                                         ": states other than 0 at the start are not run"));
}

Activation read_activation(Section& section) {
  const std::string name = section.keys.text("act_fn").value_or("gelu");
  std::string known;
  for (const auto& [each, activation] : kActivations) {
    if (each == name) return activation;
    known += str(known.empty() ? "" : ", ", each);
  }
  section.keys.refuse("act_fn", str("is ", quoted(name), ", wanted one of ", known));
  return Activation::kGelu;
}

FeedForwardConfig read_feed_forward(Section& section) {
  constexpr double kProjFactor = 1.3;
  const auto type = section.keys.text("ff_type");
  if (type && *type != "ffn_gated") {
    section.keys.refuse("ff_type", str("is ", quoted(*type), ", wanted \"ffn_gated\""));
  }
  FeedForwardConfig out;
  out.act_fn = read_activation(section);
  out.bias = section.keys.flag("bias").value_or(false);
  out.inner = read_width(section, kProjFactor);
  return out;
}

SlstmConfig read_slstm(const ConfigFile& block, Diagnostics& diagnostics) {
  Section cell(block, "slstm", "slstm_block.slstm.", diagnostics);
  refuse_other_cells(cell);
  refuse_other_starts(cell);
  SlstmConfig out;
  out.num_heads = cell.keys.count("num_heads");
  out.conv1d_kernel_size = read_kernel(cell, true);
  out.group_norm_weight = cell.keys.flag("group_norm_weight").value_or(true);
  // There is an FFN unless the file says null.
  if (!block.root.contains("feedforward") || has_object(block, "feedforward")) {
    Section ffn(block, "feedforward", "slstm_block.feedforward.", diagnostics);
    out.feedforward = read_feed_forward(ffn);
  }
  return out;
}

// Whether get<std::int64_t>() gives this number, not one that wrapped.
bool is_int64(const Json& value) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (value.is_number_unsigned()) return value.get<std::uint64_t>() <= kMost;
  return value.is_number_integer();
}

// A list of block numbers, or "all".
void read_places(const ConfigFile& stack, ConfigKeys& keys, OriginalConfig& config) {
  constexpr const char* kKey = "slstm_at";
  const auto found = stack.root.find(kKey);
  if (found == stack.root.end() || found->is_null()) return;
  if (found->is_string() && found->get<std::string>() == "all") {
    config.all_slstm = true;
    return;
  }
  const auto refuse = [&](const Json& got) {
    keys.refuse(kKey, str("is ", described(got), ", wanted a list of block numbers or \"all\""));
  };
  if (!found->is_array()) return refuse(*found);
  for (const Json& each : *found) {
    if (!is_int64(each)) return refuse(each);
    config.slstm_at.push_back(each.get<std::int64_t>());
  }
}

}  // namespace

double ProjectionWidth::of(std::int64_t D) const {
  const auto multiple = static_cast<double>(multiple_of);
  const double multiples = *factor * static_cast<double>(D) / multiple;
  return (round_up ? std::ceil(multiples) : std::floor(multiples)) * multiple;
}

ConfigFile stack_config(const ConfigFile& file) {
  const bool inside = !has_object(file, "mlstm_block") && !has_object(file, "slstm_block") &&
                      has_object(file, "model") && file.root["model"].is_object();
  return inside ? sub_config(file, "model") : file;
}

OriginalConfig read_config(const ConfigFile& file, Diagnostics& diagnostics) {
  const ConfigFile stack = stack_config(file);
  ConfigKeys keys(stack, diagnostics);
  OriginalConfig out;
  const auto V = get_int(stack.root, "vocab_size", stack.where);
  if (V && *V != -1) out.vocab_size = keys.count("vocab_size");
  out.embedding_dim = keys.count("embedding_dim");
  out.num_blocks = keys.count("num_blocks");
  out.add_post_blocks_norm = keys.flag("add_post_blocks_norm").value_or(true);
  out.bias = keys.flag("bias").value_or(false);
  out.tie_weights = keys.flag("tie_weights").value_or(false);
  out.block_map = keys.text("_block_map");
  read_places(stack, keys, out);
  if (has_object(stack, "mlstm_block")) {
    const ConfigFile block = sub_config(stack, "mlstm_block");
    Section mlstm(block, "mlstm", "mlstm_block.mlstm.", diagnostics);
    out.mlstm = read_mlstm(mlstm);
  } else if (has_object(stack, "slstm_block")) {
    out.all_slstm = true;  // as the package has it, whatever slstm_at says
  }
  if (has_object(stack, "slstm_block")) {
    out.slstm = read_slstm(sub_config(stack, "slstm_block"), diagnostics);
  }
  return out;
}

std::string_view name_of(Activation activation) {
  for (const auto& [name, each] : kActivations) {
    if (each == activation) return name;
  }
  return "";
}

}  // namespace xlstm::xlstm_original
