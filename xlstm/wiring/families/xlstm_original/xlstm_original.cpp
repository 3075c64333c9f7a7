#include "xlstm/wiring/families/xlstm_original/xlstm_original.h"

#include <algorithm>
#include <string>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/wiring/dims.h"
#include "xlstm/wiring/families/xlstm_original/config.h"
#include "xlstm/wiring/families/xlstm_original/sizes.h"
#include "xlstm/wiring/families/xlstm_original/tensor_rows.h"
#include "xlstm/wiring/layer_builder.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm {
namespace xlstm_original {
namespace {

constexpr std::int64_t kChunk = 64;  // tokens whose products with each other a lazy graph holds

// Which parts the model has.
Conditions conditions_of(const OriginalConfig& config, const SortedTensors& tensors) {
  const auto has = [&](std::string_view layer) {
    const RowList& rows = tensor_table().outer;
    for (std::size_t i = 0; i < rows.rows().size(); ++i) {
      if (rows.rows()[i].layer == layer) {
        return tensors.outer[rows.first(i)] != TensorSource::npos;
      }
    }
    return false;
  };
  // A stack alone is between other parts of somebody's program.
  const bool vocabulary = has("embedding") || has("lm_head") || config.vocab_size.has_value();
  Conditions out(kConditions);
  out[kAlways] = true;
  out[kVocabulary] = vocabulary;
  // A head that is there is used whatever tie_weights says: tying has been lost on the way.
  out[kUntiedHead] = vocabulary && (has("lm_head") || !config.tie_weights);
  out[kPostNorm] = config.add_post_blocks_norm;
  out[kBias] = config.bias;
  out[kSlstmConv] = config.slstm && config.slstm->conv1d_kernel_size > 0;
  out[kGroupNorm] = config.slstm && config.slstm->group_norm_weight;
  out[kFfn] = config.slstm && config.slstm->feedforward;
  out[kFfnBias] = out[kFfn] && config.slstm->feedforward->bias;
  return out;
}

class Assembler {
 public:
  Assembler(const OriginalConfig& config, const Binding& binding)
      : config_(config), binding_(binding) {}

  Plan take() {
    plan_.dialect = has(kVocabulary) ? "package" : "stack";
    plan_.V = has(kVocabulary) ? dim(kV) : 0;
    plan_.D = dim(kD);
    for (const auto& [number, block] : binding_.tensors.blocks) {
      (is_slstm(block) ? slstm_blocks_ : mlstm_blocks_) += 1;
    }
    add_facts();
    add_identity();
    add_layers();
    return std::move(plan_);
  }

 private:
  std::int64_t dim(Dim which) const { return binding_.dims[which]; }
  bool has(Condition condition) const { return binding_.conditions[condition]; }
  bool tied_head() const { return has(kVocabulary) && !has(kUntiedHead); }
  std::int64_t DH() const { return dim(kE) / dim(kNH); }
  bool is_vanilla() const { return dim(kR2) == dim(kSDH); }
  bool has_ffn() const { return slstm_blocks_ > 0 && has(kFfn); }
  std::int64_t slstm_taps() const { return has(kSlstmConv) ? dim(kSK) : 0; }
  Activation activation() const { return config_.slstm->feedforward->act_fn; }

  void add_facts() {
    if (has(kVocabulary)) plan_.sizes.push_back({"V", plan_.V});
    plan_.sizes.push_back({"D", plan_.D});
    plan_.sizes.push_back({"L", mlstm_blocks_ + slstm_blocks_});
    const auto add = [this](const char* name, std::int64_t value) {
      plan_.sizes.push_back({name, value});
    };
    if (mlstm_blocks_ > 0) {
      add("NH", dim(kNH));
      add("DHQK", DH());
      add("DHV", DH());
      add("E", dim(kE));
      add("K", dim(kK));
    }
    if (slstm_blocks_ > 0) {
      add("SNH", dim(kSNH));
      add("SDH", dim(kSDH));
      if (has(kSlstmConv)) add("SK", slstm_taps());
    }
    if (has_ffn()) add("F", dim(kF));
    plan_.constants = {{"bias", "", has(kBias)},
                       {"has_post_norm", "", has(kPostNorm)},
                       {"tied_head", "", tied_head()},
                       {"norm_eps", "norm eps", kOriginalNormEps}};
    if (mlstm_blocks_ > 0) plan_.constants.push_back({"cell_eps", "cell eps", mlstm().cell_eps});
    add_variations();
    add_blocks_text();
  }

  void add_variations() {
    const auto add = [this](bool there, const char* text) {
      if (there) plan_.variations.emplace_back(text);
    };
    const bool any_slstm = slstm_blocks_ > 0;
    add(mlstm_blocks_ > 0 && has(kBias), "biases");
    add(!has(kPostNorm), "no norm after the blocks");
    add(tied_head(), "tied head");
    add(any_slstm && !has(kSlstmConv), "no convolution in sLSTM blocks");
    add(any_slstm && !has(kGroupNorm), "group norms without weights");
    add(any_slstm && !has(kFfn), "no FFN");
    add(has_ffn() && has(kFfnBias), "biases in the FFN");
    add(any_slstm && !is_vanilla(), "recurrent matrices as CUDA stores them");
  }

  void add_blocks_text() {
    std::string& text = plan_.blocks_text;
    text = str(mlstm_blocks_ + slstm_blocks_, ", width ", plan_.D);
    if (mlstm_blocks_ > 0) {
      text += str("; ", mlstm_blocks_, " mLSTM, inner width ", dim(kE), ", ", dim(kNH),
                  " heads of ", DH(), ", convolution of ", dim(kK));
    }
    if (slstm_blocks_ == 0) return;
    text += str("; ", slstm_blocks_, " sLSTM, ", dim(kSNH), " heads of ", dim(kSDH));
    if (has(kSlstmConv)) text += str(", convolution of ", dim(kSK));
    if (has_ffn()) text += str(", FFN ", dim(kF), " (", name_of(activation()), ")");
  }

  // Saved states carry a hash of these numbers in this order.
  void add_identity() {
    const auto add = [this](std::int64_t number) {
      plan_.identity.push_back(static_cast<std::uint64_t>(number));
    };
    if (mlstm_blocks_ > 0) add(dim(kNH));
    if (slstm_blocks_ > 0) add(is_vanilla() ? 1 : 0);
    if (has_ffn()) add(static_cast<std::int64_t>(activation()));
  }

  OriginalMlstmSpec mlstm() const { return {.NH = dim(kNH), .DH = DH()}; }

  void add_layers() {
    if (has(kVocabulary)) {
      add(outer_layer(binding_, "embedding", "embedding"), TokenEmbeddingSpec{});
    }
    for (const auto& [number, block] : binding_.tensors.blocks) {
      if (is_slstm(block)) {
        add_slstm(number);
        if (has(kFfn)) add_ffn(number);
      } else {
        add_mlstm(number);
      }
    }
    if (has(kPostNorm)) {
      Layer layer = outer_layer(binding_, "post_norm", "original_norm");
      layer.eager_floats = plan_.D;
      layer.lazy_floats = 2 * plan_.D;
      add(std::move(layer), OriginalNormSpec{});
    }
    if (has(kVocabulary)) {
      add(outer_layer(binding_, "lm_head", "lm_head"), VocabularyHeadSpec{tied_head(), {}});
    }
  }

  void add(Layer layer, std::any spec) {
    layer.spec = std::move(spec);
    plan_.layers.push_back(std::move(layer));
  }

  void add_mlstm(std::uint64_t number) {
    Layer layer = block_layer(binding_, number, "mlstm", "original_mlstm");
    const std::string prefix = str("blocks.", number, ".");
    const std::int64_t NH = dim(kNH), E = dim(kE);
    layer.state = {{prefix + "C", {NH, DH(), DH()}},
                   {prefix + "n", {NH, DH()}},
                   {prefix + "m", {NH}},
                   {prefix + "window", {dim(kK) - 1, E}}};
    // The normed stream and what is added to the stream; both halves of the projection, the
    // convolved one, q, k and v, once together and once apart, the cell's copy of them, the heads.
    layer.eager_floats = 2 * plan_.D + 14 * E + 4 * NH;
    // Besides, the cell's inputs once more with heads first, and the chunk form's products and
    // weights.
    layer.lazy_floats = 4 * plan_.D + 24 * E + 6 * NH * kChunk;
    layer.thread_floats = kChunk * (3 * DH() + kChunk);  // a chunk of one head
    add(std::move(layer), mlstm());
  }

  void add_slstm(std::uint64_t number) {
    Layer layer = block_layer(binding_, number, "slstm", "original_slstm");
    const std::string prefix = str("blocks.", number, ".");
    const Shape heads = {dim(kSNH), dim(kSDH)};
    for (const char* name : {"y", "c", "n", "m"}) layer.state.push_back({prefix + name, heads});
    if (slstm_taps() > 0) layer.state.push_back({prefix + "window", {slstm_taps() - 1, plan_.D}});
    // The normed stream, once convolved; what it adds to the gates; the cell's outputs, normed.
    layer.eager_floats = 9 * plan_.D;
    layer.lazy_floats = 40 * plan_.D;  // besides, what each step of the recurrence makes
    add(std::move(layer),
        OriginalSlstmSpec{dim(kSNH), dim(kSDH), slstm_taps(), has(kGroupNorm), is_vanilla()});
  }

  void add_ffn(std::uint64_t number) {
    Layer layer = block_layer(binding_, number, "ffn", "original_ffn");
    // The normed stream and what is added to the stream; the two halves of the FFN, once together
    // and once apart.
    layer.eager_floats = 2 * plan_.D + 4 * dim(kF);
    layer.lazy_floats = 4 * plan_.D + 8 * dim(kF);
    add(std::move(layer), OriginalFfnSpec{dim(kF), activation()});
  }

  const OriginalConfig& config_;
  const Binding& binding_;
  std::int64_t mlstm_blocks_ = 0, slstm_blocks_ = 0;
  Plan plan_;
};

bool recognise(const ConfigFile& /*config*/, const TensorSource& tensors) {
  return sort_tensors(tensor_table(), tensors).any_known;
}

Plan plan(const ConfigFile& file, const TensorSource& source, std::string_view where) {
  Diagnostics diagnostics;
  const OriginalConfig config = read_config(file, diagnostics);
  const MatrixView matrices(source, read_quantization(file.root, file.where), diagnostics);
  const SortedTensors tensors = sort_tensors(tensor_table(), matrices);
  const Binding binding = {tensor_table(), matrices, tensors,
                           find_dims(tensor_table(), tensors, matrices),
                           conditions_of(config, tensors)};
  compare_sizes(config, binding.dims, tensors, diagnostics);
  check_binding(binding, diagnostics, where);
  return Assembler(config, binding).take();
}

}  // namespace
}  // namespace xlstm_original

const Family& xlstm_original_family() {
  static const Family family = {"xlstm-original", "the original xLSTM (...xlstm.mlstm_cell...)",
                                xlstm_original::recognise, xlstm_original::plan};
  return family;
}

}  // namespace xlstm
