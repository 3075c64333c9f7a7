#include "xlstm/wiring/families/tirex2/tirex2.h"

#include <bit>
#include <string>
#include <utility>

#include "xlstm/base/ceil_div.h"
#include "xlstm/base/error.h"
#include "xlstm/wiring/families/tirex2/aliases.h"
#include "xlstm/wiring/families/tirex2/config.h"
#include "xlstm/wiring/families/tirex2/tensor_rows.h"
#include "xlstm/wiring/families/xlstm_large/xlstm_large.h"
#include "xlstm/wiring/layer_builder.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm {
namespace tirex2 {
namespace {

constexpr std::int64_t kChunk = 64;  // tokens whose products with each other a lazy graph holds

std::int64_t width_of_ffn(std::int64_t D) {
  return static_cast<std::int64_t>((2.6667 * static_cast<double>(D) + 63) / 64) * 64;
}

// The first number of heads that a block of this kind has; 0: no block is of it. Blocks whose cell
// has faults have none.
std::int64_t heads_of(const Tirex2Config& config, bool slstm) {
  for (const BlockConfig& block : config.blocks) {
    if (block.is_slstm == slstm && block.cell_heads > 0) return block.cell_heads;
  }
  return 0;
}

// As the config says; 0 where it has faults or no block shows them.
DimLengths dims_of(const Tirex2Config& config) {
  const std::int64_t D = config.D, NS = heads_of(config, true), P = config.series.P;
  DimLengths dims(tensor_table().dims.size());
  dims[kD] = D;
  dims[kDQK] = D / 2;
  dims[kNH] = heads_of(config, false);
  dims[kNS] = NS;
  dims[kDH] = NS > 0 ? D / NS : 0;
  dims[kF] = width_of_ffn(D);
  dims[kI] = 2 * P;
  dims[kIF] = config.input_ff_dim;
  dims[kHF] = config.head_ff_dim;
  dims[kJ] = P * std::ssize(config.series.quantiles);
  return dims;
}

Conditions conditions_of(const Tirex2Config& config, bool slstm) {
  Conditions out(kConditions, false);
  out[kAlways] = true;
  out[kIsMlstm] = !slstm;
  out[kIsSlstm] = slstm;
  out[kHasOutNorm] = config.out_norm_eps.has_value();
  return out;
}

void check_heads(const Tirex2Config& config, Diagnostics& diagnostics) {
  for (const BlockConfig& block : config.blocks) {
    if (block.cell_heads == 0) continue;  // a fault already
    const std::int64_t first = heads_of(config, block.is_slstm);
    if (block.cell_heads != first) {
      diagnostics.add([&, is_slstm = block.is_slstm, heads = block.cell_heads] {
        return str("its ", is_slstm ? "sLSTM" : "mLSTM", " blocks have ", first, " and ", heads,
                   " heads: only equal numbers are run");
      });
    }
    if (!block.is_slstm && config.D / 2 % block.cell_heads != 0) {
      diagnostics.add([&, heads = block.cell_heads] {
        return str(heads, " mLSTM heads do not divide the width of queries and keys, ",
                   config.D / 2);
      });
    }
  }
}

class Assembler {
 public:
  Assembler(const Tirex2Config& config, const Binding& binding)
      : config_(config), binding_(binding) {}

  Plan take() {
    plan_.dialect = "package";
    plan_.D = config_.D;
    const SeriesSpec& series = config_.series;
    plan_.pass_tokens = ceil_div(series.context, series.P) + series.future / series.P;
    add_facts();
    add_identity();
    add_layers();
    return std::move(plan_);
  }

 private:
  std::int64_t dim(Dim index) const { return binding_.dims[index]; }

  void add_facts() {
    const SeriesSpec& series = config_.series;
    const auto L = std::ssize(config_.blocks);
    plan_.sizes = {{"D", plan_.D},
                   {"L", L},
                   {"F", dim(kF)},
                   {"P", series.P},
                   {"Q", std::ssize(series.quantiles)},
                   {"context", series.context},
                   {"future", series.future}};
    plan_.constants = {{"qk_norm", "", config_.qk_norm},
                       {"use_arcsinh", "", series.use_arcsinh},
                       {"binary_aware", "", series.binary_aware},
                       {"tta_diff", "", series.difference_trends},
                       {"tta_sign_flip", "", series.flip_sign}};
    std::string recipe;
    for (const BlockConfig& block : config_.blocks) recipe += block.is_slstm ? 's' : 'm';
    plan_.blocks_text = str(L, " (", recipe, "), width ", plan_.D, ", FFN ", dim(kF),
                            ", patches of ", series.P, ", context ", series.context, ", up to ",
                            series.future, " steps, ", series.quantiles.size(), " quantiles");
    if (!config_.out_norm_eps) plan_.variations.emplace_back("no out_norm");
  }

  // What names and shapes of parameters do not say.
  void add_identity() {
    const auto add = [this](auto number) {
      plan_.identity.push_back(static_cast<std::uint64_t>(number));
    };
    const auto add_float = [&](float x) { add(std::bit_cast<std::uint32_t>(x)); };
    for (const BlockConfig& block : config_.blocks) {
      add(block.cell_heads);
      add(block.attention_heads);
    }
    const SeriesSpec& series = config_.series;
    add(config_.act_func);
    add(config_.qk_norm);
    add_float(config_.out_norm_eps.value_or(0));
    for (const std::int64_t size : {series.P, series.context, series.future}) add(size);
    for (const float level : series.quantiles) add_float(level);
    add(series.use_arcsinh);
    add(series.binary_aware);
    add_float(series.scale_eps);
  }

  void add_layers() {
    const std::int64_t P = config_.series.P;
    add(outer_layer(binding_, "series", "series"), config_.series);
    add_residual_mlp("input", {2 * P, dim(kIF), plan_.D, config_.act_func});
    for (std::size_t number = 0; number < config_.blocks.size(); ++number) {
      const BlockConfig& block = config_.blocks[number];
      block.is_slstm ? add_slstm(number) : add_mlstm(number);
      add_ffn(number);
      add_variate(number, block);
    }
    if (config_.out_norm_eps) {
      add(outer_layer(binding_, "out_norm", "rms_norm"), RmsNormSpec{*config_.out_norm_eps});
    }
    add_residual_mlp("output", {plan_.D, dim(kHF), dim(kJ), config_.act_func});
  }

  void add(Layer layer, std::any spec) {
    layer.spec = std::move(spec);
    plan_.layers.push_back(std::move(layer));
  }

  void add_residual_mlp(std::string_view name, const ResidualMlpSpec& spec) {
    Layer layer = outer_layer(binding_, name, "residual_mlp");
    layer.eager_floats = spec.I + spec.H + 2 * spec.O;
    layer.lazy_floats = spec.I + 3 * spec.H + 4 * spec.O;
    add(std::move(layer), spec);
  }

  // Rows that are known ahead go through the cell a second time, so all is held twice.
  void add_mlstm(std::size_t number) {
    const std::int64_t D = plan_.D, NH = dim(kNH), DQK = dim(kDQK);
    Layer layer = block_layer(binding_, number, "time", "tirex2_mlstm");
    const std::string prefix = str("blocks.", number, ".");
    layer.state = {{prefix + "C", {NH, DQK / NH, D / NH}},
                   {prefix + "n", {NH, DQK / NH}},
                   {prefix + "m", {NH}}};
    layer.eager_floats = 2 * (2 * D + 2 * DQK + 3 * D + 2 * NH);
    layer.lazy_floats = 2 * (4 * D + 10 * DQK + 16 * D + 6 * NH * kChunk);
    layer.thread_floats = kChunk * (2 * DQK / NH + kChunk + D / NH);
    add(std::move(layer), TimeMlstmSpec{NH, DQK / NH, D / NH});
  }

  void add_slstm(std::size_t number) {
    const std::int64_t D = plan_.D, NS = dim(kNS), DH = dim(kDH);
    Layer layer = block_layer(binding_, number, "time", "tirex2_slstm");
    for (const char* name : {"y", "c", "n", "m"}) {
      layer.state.push_back({str("blocks.", number, ".", name), {NS, DH}});
    }
    layer.eager_floats = 2 * (2 * D + 6 * D);
    layer.lazy_floats = 2 * (4 * D + 16 * D);
    add(std::move(layer), TimeSlstmSpec{NS, DH});
  }

  void add_ffn(std::size_t number) {
    Layer layer = block_layer(binding_, number, "ffn", "ffn");
    layer.eager_floats = 2 * plan_.D + 3 * dim(kF);
    layer.lazy_floats = 4 * plan_.D + 6 * dim(kF);
    add(std::move(layer), GatedFfnSpec{dim(kF), kNormEps});
  }

  void add_variate(std::size_t number, const BlockConfig& block) {
    Layer layer = block_layer(binding_, number, "variate", "tirex2_variate");
    layer.eager_floats = 6 * plan_.D;
    layer.lazy_floats = 16 * plan_.D;
    add(std::move(layer), VariateSpec{block.attention_heads, config_.qk_norm, config_.act_func});
  }

  const Tirex2Config& config_;
  const Binding& binding_;
  Plan plan_;
};

bool recognise(const ConfigFile& /*config*/, const TensorSource& tensors) {
  return sort_tensors(tensor_table(), tensors).any_known;
}

Plan plan(const ConfigFile& file, const TensorSource& source, std::string_view where) {
  Diagnostics diagnostics;
  const Tirex2Config config = read_config(file, diagnostics);
  check_heads(config, diagnostics);
  const MatrixView matrices(source, read_quantization(file.root, file.where), diagnostics);
  SortedTensors tensors = sort_tensors(tensor_table(), matrices);
  settle_aliases(matrices, tensors, diagnostics);
  Binding binding = {tensor_table(), matrices, tensors, dims_of(config),
                     conditions_of(config, false)};
  for (const auto& [number, block] : tensors.blocks) {
    const bool slstm = number < config.blocks.size() && config.blocks[number].is_slstm;
    binding.block_conditions[number] = conditions_of(config, slstm);
  }
  if (tensors.blocks.size() != config.blocks.size()) {
    diagnostics.add([&] {
      return str("the recipe has ", config.blocks.size(), " blocks, the tensors ",
                 tensors.blocks.size());
    });
  }
  check_binding(binding, diagnostics, where);
  return Assembler(config, binding).take();
}

}  // namespace
}  // namespace tirex2

const Family& tirex2_family() {
  static const Family family = {"tirex-2", "TiRex-2 (stack...time_mixer)", tirex2::recognise,
                                tirex2::plan};
  return family;
}

}  // namespace xlstm
