#include "xlstm/wiring/families/tirex/tirex.h"

#include <bit>
#include <string>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/wiring/dims.h"
#include "xlstm/wiring/families/tirex/config.h"
#include "xlstm/wiring/families/tirex/tensor_rows.h"
#include "xlstm/wiring/layer_builder.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm {
namespace tirex {
namespace {

constexpr float kNormEps = 1e-6F;  // of the norms of the stream

class Assembler {
 public:
  Assembler(const TirexConfig& config, const Binding& binding)
      : config_(config), binding_(binding) {}

  Plan take() {
    plan_.dialect = binding_.tensors.wrapper.empty() ? "package" : "lightning";
    plan_.D = dim(kD);
    plan_.pass_tokens = config_.context / config_.P;
    add_facts();
    add_identity();
    add_layers();
    return std::move(plan_);
  }

 private:
  std::int64_t dim(Dim index) const { return binding_.dims[index]; }

  void add_facts() {
    const auto L = static_cast<std::int64_t>(binding_.tensors.blocks.size());
    plan_.sizes = {{"D", plan_.D},
                   {"L", L},
                   {"NH", dim(kNH)},
                   {"DH", dim(kDH)},
                   {"F", dim(kF)},
                   {"H", dim(kH)},
                   {"P", config_.P},
                   {"Q", std::ssize(config_.quantiles)},
                   {"context", config_.context}};
    plan_.constants = {{"norm_eps", "norm eps", kNormEps},
                       {"resampling_context", "", config_.resampling_context}};
    plan_.blocks_text = str(L, ", width ", plan_.D, ", ", dim(kNH), " heads of ", dim(kDH),
                            ", FFN ", dim(kF), ", patches of ", config_.P, ", context ",
                            config_.context, ", ", config_.quantiles.size(), " quantiles");
  }

  // What names and shapes of parameters do not say.
  void add_identity() {
    for (const std::int64_t size : {config_.P, config_.context, config_.resampling_context}) {
      plan_.identity.push_back(static_cast<std::uint64_t>(size));
    }
    for (const float level : config_.quantiles) {
      plan_.identity.push_back(std::bit_cast<std::uint32_t>(level));
    }
  }

  void add_layers() {
    add(outer_layer(binding_, "series", "series"),
        SeriesSpec{config_.P, config_.context, config_.quantiles, config_.resampling_context});
    add_residual_mlp("input", {dim(kI), dim(kH), plan_.D, Activation::kRelu});
    for (const auto& [number, block] : binding_.tensors.blocks) {
      add_slstm(number);
      add_ffn(number);
    }
    add(outer_layer(binding_, "out_norm", "rms_norm"), RmsNormSpec{kNormEps});
    add_residual_mlp("output", {plan_.D, dim(kH), dim(kO), Activation::kRelu});
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

  void add_slstm(std::uint64_t number) {
    Layer layer = block_layer(binding_, number, "slstm", "tirex_slstm");
    for (const char* name : {"y", "c", "n", "m"}) {
      layer.state.push_back({str("blocks.", number, ".", name), {dim(kNH), dim(kDH)}});
    }
    // The normed stream, four gates, the heads and their norm; where all is alive, also what each
    // token leaves of the scan.
    layer.eager_floats = 7 * plan_.D;
    layer.lazy_floats = 24 * plan_.D;
    add(std::move(layer), SlstmSpec{dim(kNH), dim(kDH), kNormEps});
  }

  void add_ffn(std::uint64_t number) {
    Layer layer = block_layer(binding_, number, "ffn", "ffn");
    layer.eager_floats = 2 * plan_.D + 3 * dim(kF);
    layer.lazy_floats = 4 * plan_.D + 6 * dim(kF);
    add(std::move(layer), GatedFfnSpec{dim(kF), kNormEps});
  }

  const TirexConfig& config_;
  const Binding& binding_;
  Plan plan_;
};

void compare_sizes(const TirexConfig& config, const DimLengths& dims, const SortedTensors& tensors,
                   Diagnostics& diagnostics) {
  const auto found = [&](Dim dim) { return static_cast<std::uint64_t>(dims[dim]); };
  const auto quantiles = std::ssize(config.quantiles);
  compare_claims({{"embedding_dim", config.embedding_dim}}, "D", found(kD), diagnostics);
  compare_claims({{"num_heads", config.num_heads}}, "NH", found(kNH), diagnostics);
  compare_claims({{"num_blocks", config.num_blocks}}, "L", tensors.blocks.size(), diagnostics);
  compare_claims({{"input_ff_dim", config.input_ff_dim}}, "H", found(kH), diagnostics);
  if (config.P > 0) {
    compare_claims({{"twice input_patch_size", 2 * config.P}}, "I", found(kI), diagnostics);
    if (quantiles > 0) {
      compare_claims({{"output_patch_size times the number of quantiles", config.P * quantiles}},
                     "O", found(kO), diagnostics);
    }
  }
  if (found(kNH) * found(kDH) == found(kD)) return;
  diagnostics.add([&] {
    return str("NH = ", dims[kNH], " heads of DH = ", dims[kDH], " do not make D = ", dims[kD]);
  });
}

// The checkpoint's hyper-parameters, or its layout.
bool recognise(const ConfigFile& config, const TensorSource& source) {
  const SortedTensors tensors = sort_tensors(tensor_table(), source);
  if (!tensors.any_known) return false;
  return is_tirex_config(config) || tensors.outer.front() != TensorSource::npos;
}

Plan plan(const ConfigFile& file, const TensorSource& source, std::string_view where) {
  Diagnostics diagnostics;
  const TirexConfig config = read_config(file, diagnostics);
  const MatrixView matrices(source, read_quantization(file.root, file.where), diagnostics);
  const SortedTensors tensors = sort_tensors(tensor_table(), matrices);
  const Binding binding = {tensor_table(), matrices, tensors,
                           find_dims(tensor_table(), tensors, matrices), Conditions{true}};
  compare_sizes(config, binding.dims, tensors, diagnostics);
  check_binding(binding, diagnostics, where);
  return Assembler(config, binding).take();
}

}  // namespace
}  // namespace tirex

const Family& tirex_family() {
  static const Family family = {"tirex", "TiRex (...slstm_layer...)", tirex::recognise,
                                tirex::plan};
  return family;
}

}  // namespace xlstm
