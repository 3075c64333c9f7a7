// "leaky", a family that exists in tests only: blocks that are leaky integrators,
//
//   y_t = sigmoid(decay) * y_{t-1} + gain * x_t,   x_t + y_t goes on,
//
// between an embedding and a head. It shows what a new family has to say of itself in `wiring`.
#pragma once

#include <array>
#include <bit>
#include <span>
#include <string>

#include "xlstm/base/error.h"
#include "xlstm/wiring/dims.h"
#include "xlstm/wiring/family.h"
#include "xlstm/wiring/layer_builder.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm::testing {

// Layer "blocks.N.leaky", kind "leaky_integrator": parameter "decay" [D]; state "blocks.N.y" [D].
struct LeakySpec {
  float gain = 1;
};

namespace leaky {

enum Dim : std::size_t { kV, kD };

inline const TensorTable& tensor_table() {
  static const TensorTable table = {
      .dims = {"V", "D"},
      .outer = RowList(
          {{"embedding", "weight", {kV, kD}, kAlways, false, {{{"embedding.weight"}, {kV, kD}}}},
           {"lm_head", "weight", {kV, kD}, kAlways, false, {{{"lm_head.weight"}, {kV, kD}}}}}),
      .block = RowList({{"leaky", "decay", {kD}, kAlways, true, {{{"decay"}, {kD}}}}}),
      .wrappers = {},
      .block_prefixes = {"blocks."},
      .block_sign = "decay",
  };
  return table;
}

inline bool recognise(const ConfigFile& /*config*/, const TensorSource& tensors) {
  return sort_tensors(tensor_table(), tensors).any_known;
}

inline Plan plan(const ConfigFile& file, const TensorSource& source, std::string_view where) {
  Diagnostics diagnostics;
  ConfigKeys keys(file, diagnostics);
  const float gain = keys.positive_or("gain", 1);
  const MatrixView matrices(source, read_quantization(file.root, file.where), diagnostics);
  const SortedTensors tensors = sort_tensors(tensor_table(), matrices);
  const Binding binding = {
      tensor_table(), matrices, tensors, find_dims(tensor_table(), tensors, matrices), {true}};
  check_binding(binding, diagnostics, where);

  Plan out;
  out.dialect = "plain";
  out.V = binding.dims[kV];
  out.D = binding.dims[kD];
  out.sizes = {{"V", out.V}, {"D", out.D}, {"L", static_cast<std::int64_t>(tensors.blocks.size())}};
  out.constants = {{"gain", "gain", gain}};
  out.identity = {std::bit_cast<std::uint32_t>(gain)};
  const auto add = [&out](Layer layer, std::any spec) {
    layer.spec = std::move(spec);
    out.layers.push_back(std::move(layer));
  };
  add(outer_layer(binding, "embedding", "embedding"), TokenEmbeddingSpec{});
  for (const auto& [number, block] : tensors.blocks) {
    Layer layer = block_layer(binding, number, "leaky", "leaky_integrator");
    layer.state = {{str("blocks.", number, ".y"), {out.D}}};
    layer.eager_floats = out.D;
    layer.lazy_floats = 3 * out.D;
    add(std::move(layer), LeakySpec{gain});
  }
  add(outer_layer(binding, "lm_head", "lm_head"), VocabularyHeadSpec{});
  return out;
}

}  // namespace leaky

inline const Family& leaky_family() {
  static const Family family = {"leaky", "leaky (...decay)", leaky::recognise, leaky::plan};
  return family;
}

// Those that are run, and this one.
inline std::span<const Family* const> families_with_leaky() {
  static const std::array<const Family*, 2> all = {families().front(), &leaky_family()};
  return all;
}

}  // namespace xlstm::testing
