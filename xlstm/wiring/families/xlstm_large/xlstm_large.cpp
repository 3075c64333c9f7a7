#include "xlstm/wiring/families/xlstm_large/xlstm_large.h"

#include <bit>
#include <string>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/wiring/dims.h"
#include "xlstm/wiring/families/xlstm_large/config.h"
#include "xlstm/wiring/families/xlstm_large/division.h"
#include "xlstm/wiring/families/xlstm_large/optional_parts.h"
#include "xlstm/wiring/families/xlstm_large/sizes.h"
#include "xlstm/wiring/families/xlstm_large/tensor_rows.h"
#include "xlstm/wiring/layer_builder.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm {
namespace xlstm_large {
namespace {

constexpr std::int64_t kChunk = 64;  // tokens whose products with each other a lazy graph holds

class Assembler {
 public:
  Assembler(const LargeConfig& config, const OptionalParts& parts, const Binding& binding)
      : config_(config), parts_(parts), binding_(binding) {}

  Plan take() {
    plan_.dialect = dialect();
    plan_.V = binding_.dims[kV];
    plan_.D = binding_.dims[kD];
    add_facts();
    add_identity();
    add_layers();
    return std::move(plan_);
  }

 private:
  std::int64_t NH() const { return binding_.dims[kNH]; }
  std::int64_t DQK() const { return binding_.dims[kDQK]; }
  std::int64_t DV() const { return binding_.dims[kDV]; }
  std::int64_t F() const { return binding_.dims[kF]; }
  std::int64_t DHQK() const { return DQK() / NH(); }
  std::int64_t DHV() const { return DV() / NH(); }

  // The embedding's is the only name in which the two differ.
  std::string dialect() const {
    const auto& names = tensor_table().outer.rows().front().parts.front().names;
    const bool package = first_name(binding_).ends_with(names[1]);
    return str(package ? "package" : "hf", any_fused(binding_) ? "+fused" : "");
  }

  void add_facts() {
    const auto L = static_cast<std::int64_t>(binding_.tensors.blocks.size());
    plan_.sizes = {{"V", plan_.V},   {"D", plan_.D}, {"L", L},  {"NH", NH()},
                   {"DHQK", DHQK()}, {"DHV", DHV()}, {"F", F()}};
    const auto value = [](const std::optional<float>& cap) {
      return cap ? decltype(ConstantFact::value)(*cap) : std::monostate();
    };
    plan_.constants = {{"use_bias", "", parts_.use_bias},
                       {"has_out_norm", "", parts_.has_out_norm},
                       {"out_norm_bias", "", parts_.out_norm_bias},
                       {"tied_head", "", parts_.tied_head},
                       {"norm_float32", "", config_.norm_reduction_force_float32},
                       {"norm_eps", "norm eps", config_.norm_eps},
                       {"cell_eps", "cell eps", config_.eps},
                       {"gate_soft_cap", "gate cap", value(config_.gate_soft_cap)},
                       {"output_logit_soft_cap", "logit cap", value(config_.output_logit_soft_cap)},
                       {"chunk_size", "chunk", config_.chunk_size}};
    if (parts_.use_bias) plan_.variations.emplace_back("biases");
    if (!parts_.has_out_norm) plan_.variations.emplace_back("no out_norm");
    if (parts_.tied_head) plan_.variations.emplace_back("tied head");
    plan_.blocks_text = str(L, ", width ", plan_.D, ", ", NH(), " heads of ", DHQK(),
                            " (q, k) and ", DHV(), " (v), FFN ", F());
  }

  // Saved states carry a hash of these numbers in this order.
  void add_identity() {
    for (const std::int64_t size : {NH(), DHQK(), DHV()}) {
      plan_.identity.push_back(static_cast<std::uint64_t>(size));
    }
    plan_.identity.push_back(std::uint64_t{config_.norm_reduction_force_float32});
    for (const std::optional<float> constant :
         {std::optional(config_.norm_eps), std::optional(config_.eps), config_.gate_soft_cap,
          config_.output_logit_soft_cap}) {
      plan_.identity.push_back(std::uint64_t{constant.has_value()});
      if (constant) plan_.identity.push_back(std::bit_cast<std::uint32_t>(*constant));
    }
  }

  void add_layers() {
    add(outer_layer(binding_, "embedding", "embedding"), TokenEmbeddingSpec{});
    for (const auto& [number, block] : binding_.tensors.blocks) {
      add_mlstm(number);
      add_ffn(number);
    }
    if (parts_.has_out_norm) {
      add(outer_layer(binding_, "out_norm", "rms_norm"), RmsNormSpec{config_.norm_eps});
    }
    add(outer_layer(binding_, "lm_head", "lm_head"),
        VocabularyHeadSpec{parts_.tied_head, config_.output_logit_soft_cap});
  }

  void add(Layer layer, std::any spec) {
    layer.spec = std::move(spec);
    plan_.layers.push_back(std::move(layer));
  }

  void add_mlstm(std::uint64_t number) {
    Layer layer = block_layer(binding_, number, "mlstm", "mlstm");
    const std::string prefix = str("blocks.", number, ".");
    layer.state = {{prefix + "C", {NH(), DHQK(), DHV()}},
                   {prefix + "n", {NH(), DHQK()}},
                   {prefix + "m", {NH()}}};
    // The normed stream and what is added to the stream; q, k, v and o-gate, gates, and the heads.
    layer.eager_floats = 2 * plan_.D + 2 * DQK() + 3 * DV() + 2 * NH();
    // Besides, the cell's inputs once more with heads first, and the chunk form's products and
    // weights.
    layer.lazy_floats = 4 * plan_.D + 10 * DQK() + 16 * DV() + 6 * NH() * kChunk;
    layer.thread_floats = kChunk * (2 * DHQK() + kChunk + DHV());  // a chunk of one head
    add(std::move(layer),
        MlstmSpec{NH(), DHQK(), DHV(), config_.norm_eps, config_.eps, config_.gate_soft_cap});
  }

  void add_ffn(std::uint64_t number) {
    Layer layer = block_layer(binding_, number, "ffn", "ffn");
    // The normed stream and what is added to the stream; the two halves of the FFN, their product.
    layer.eager_floats = 2 * plan_.D + 3 * F();
    layer.lazy_floats = 4 * plan_.D + 6 * F();
    add(std::move(layer), GatedFfnSpec{F(), config_.norm_eps});
  }

  const LargeConfig& config_;
  const OptionalParts& parts_;
  const Binding& binding_;
  Plan plan_;
};

bool recognise(const ConfigFile& /*config*/, const TensorSource& tensors) {
  return sort_tensors(tensor_table(), tensors).any_known;
}

Plan plan(const ConfigFile& file, const TensorSource& source, std::string_view where) {
  Diagnostics diagnostics;
  const LargeConfig config = read_config(file, diagnostics);
  const MatrixView matrices(source, read_quantization(file.root, file.where), diagnostics);
  const SortedTensors tensors = sort_tensors(tensor_table(), matrices);
  const OptionalParts parts = find_optional_parts(config, tensors, matrices, diagnostics);
  const Binding binding = {tensor_table(), matrices, tensors,
                           find_dims(tensor_table(), tensors, matrices), parts.conditions()};
  compare_sizes(config, binding.dims, tensors, diagnostics);
  check_binding(binding, diagnostics, where);
  return Assembler(config, parts, binding).take();
}

}  // namespace
}  // namespace xlstm_large

const Family& xlstm_large_family() {
  static const Family family = {"xlstm-large", "xLSTM-large (...mlstm_layer...)",
                                xlstm_large::recognise, xlstm_large::plan,
                                xlstm_large::divide_layer};
  return family;
}

}  // namespace xlstm
