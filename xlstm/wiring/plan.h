// The checked plan of a model: its layers, which tensors feed them, what they cost. Made from
// config and tensor headers alone, before any weight is read. The loader, the converter, the
// estimate, the views and the state read nothing else.
#pragma once

#include <any>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <typeinfo>
#include <variant>
#include <vector>

#include "xlstm/base/dtype.h"
#include "xlstm/base/quantization.h"
#include "xlstm/base/shape.h"

namespace xlstm {

// How a parameter that the checkpoint holds quantised lies there: Parameter::sources are its packed
// words, these the scales and biases beside each, in the same order.
struct PackedParameter {
  Quantization format;
  DType scale_type = DType::kBF16;  // of scales and biases; kU8 for mxfp4
  std::vector<std::size_t> scales;
  std::vector<std::size_t> biases;  // empty for mxfp4
};

// One parameter under its canonical name. It is the concatenation, along axis 0, of the checkpoint
// tensors in `sources` (one for a plain tensor; q, k, v, o for `qkvo.weight`, unless the checkpoint
// stores it fused already).
struct Parameter {
  std::string name;                  // canonical, e.g. "blocks.3.mlstm.qkvo.weight"
  Shape shape;                       // after concatenation, e.g. [2*NH*DHQK + 2*NH*DHV, D]
  std::vector<std::size_t> sources;  // indices into TensorSource::tensors()
  bool keep_float32 = false;         // gates and norms: float32 whatever the compute dtype
  std::optional<PackedParameter> packed =
      std::nullopt;  // quantised in the checkpoint; `shape` is [N, K]
  // Of a part of a divided matrix (division.h): K of the whole, by which a format is chosen. 0: it
  // is whole.
  std::int64_t whole_width = 0;
};

// One tensor of the recurrent state of one sequence, float32, before the first token all `initial`.
struct StateTensor {
  std::string name;  // as in state files: "blocks.3.C"
  Shape shape;       // [NH, DHQK, DHV]
  float initial = 0;
  // Of a part of a divided state (division.h): its first row along axis 0 of the whole, which has
  // so many. 0: it is whole.
  std::int64_t first_row = 0, whole_rows = 0;

  bool is_part() const { return whole_rows > 0; }
  Shape whole_shape() const;
};

struct Layer {
  std::string name;  // "embedding", "blocks.0.mlstm", "blocks.0.ffn", ..., "out_norm", "lm_head"
  std::string kind;  // chooses the forward pass: "embedding", "mlstm", "ffn", "rms_norm", "lm_head"
  std::any spec;     // sizes and constants of the forward pass: a struct of wiring/layer_specs.h or
                     // of the family
  std::vector<Parameter> parameters;
  std::vector<StateTensor> state;
  // Activations per token, in floats, beside the stream that enters: held at once where each op
  // runs when it is called, and where a lazy graph keeps all of the layer's arrays alive.
  std::int64_t eager_floats = 0, lazy_floats = 0;
  std::int64_t thread_floats = 0;  // scratch memory of each thread, where each op runs when called

  std::string
      dtype;  // of its weights in the file: "BF16", or "BF16+F32", "4-bit/64+F32" when mixed
  std::uint64_t parameter_count = 0;
  std::uint64_t bytes = 0;  // of its weights in the file

  std::uint64_t state_bytes() const;  // of one sequence

  // Throws Error(kInternal) where the layer has another spec.
  template <typename Spec>
  const Spec& spec_as() const {
    const Spec* found = std::any_cast<Spec>(&spec);
    if (found == nullptr) fail_spec(typeid(Spec));
    return *found;
  }

 private:
  [[noreturn]] void fail_spec(const std::type_info& wanted) const;
};

struct SizeFact {
  std::string name;  // in the project's alphabet: "NH"
  std::int64_t value = 0;
};

struct ConstantFact {
  std::string name;   // "gate_soft_cap"
  std::string label;  // "gate cap": in the line for people; empty: not shown there
  std::variant<std::monostate, bool, std::int64_t, float> value;  // monostate: none
};

struct Plan {
  std::string family;   // "xlstm-large"
  std::string dialect;  // which of the family's names: "hf", "package", "hf+fused"
  std::string name;     // the folder's name, for people
  std::int64_t V = 0;   // vocabulary rows; 0: it reads no tokens
  std::int64_t D = 0;   // width of the stream between layers
  // Tokens that one pass needs at least; 0: as few as one.
  std::int64_t pass_tokens = 0;

  // For people, views and comparisons, in the order in which they are shown.
  std::vector<SizeFact> sizes;
  std::vector<ConstantFact> constants;
  std::vector<std::string> variations;  // from what is usual: "biases", "no out_norm"
  std::string blocks_text;              // "8, width 256, 4 heads of ..."; may be empty

  // Numbers that results depend on and that names and shapes of parameters do not say: part of the
  // model's fingerprint.
  std::vector<std::uint64_t> identity;

  std::vector<Layer> layers;  // in the order in which data passes
  // As config.json says, else generation_config.json; may be wrong.
  std::optional<std::int64_t> bos_id, pad_id;
  std::vector<std::int64_t> eos_ids;  // all that either names

  std::optional<std::int64_t> eos_id() const;  // the first of eos_ids
  std::uint64_t parameter_count() const;
  std::uint64_t bytes() const;
  std::uint64_t state_bytes() const;  // of one sequence
  std::string dtypes() const;         // of all layers, in order: "6-bit/64, 4-bit/64+BF16, BF16"
  bool tied_head() const;             // the embedding's weight serves as the head's

  const Layer& layer(const std::string& name) const;  // throws Error(kInternal) if absent
  const Parameter* find_parameter(const std::string& name) const;  // nullptr if absent
};

}  // namespace xlstm
