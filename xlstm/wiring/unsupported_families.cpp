#include "xlstm/wiring/unsupported_families.h"

#include <string>
#include <vector>

namespace xlstm {
namespace {

// A family whose names have all of `signs` somewhere, not all in the same name. In the order in
// which they are asked: the later ones have signs which the earlier ones may have too.
struct KnownFamily {
  UnsupportedFamily family;
  std::vector<std::string_view> signs;
};

constexpr UnsupportedFamily kVision = {"Vision-LSTM",
                                       "it reads patches of images, in both directions"};
constexpr UnsupportedFamily kJax = {
    "a JAX tree of xLSTM-large",
    "its layers are stacked and its matrices transposed; NX-AI's tools export it as safetensors"};
constexpr UnsupportedFamily kHybrid = {"a hybrid of attention and xLSTM",
                                       "no layout of such models is published"};

const std::vector<KnownFamily>& all_families() {
  static const std::vector<KnownFamily> all = {
      {{"a stack of sLSTM blocks in TiRex's layout", "it has not TiRex's patches around them"},
       {".slstm_layer."}},
      {kVision, {"patch_embed", ".layer."}},
      {kVision, {"pos_embed", ".layer."}},
      {kHybrid, {".self_attn.", ".mlstm"}},
      {kHybrid, {".self_attn.", "xlstm"}},
      {{"Bio-xLSTM", "it has layers of its own: rotary embeddings, both directions of a sequence"},
       {"backbone.", ".mlstm_cell."}},
      {{"an xLSTM with the original mLSTM cell", "its layers are none of xLSTMLMModel's"},
       {".mlstm_cell."}},
      {kJax, {"xlstm_lm_model"}},
      {kJax, {".Dense_0.kernel"}},
      {kJax, {"/Dense_0/kernel"}},
  };
  return all;
}

bool anywhere(const TensorSource& source, std::string_view sign) {
  for (const TensorInfo& tensor : source.tensors()) {
    if (tensor.name.find(sign) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

std::optional<UnsupportedFamily> recognise_unsupported_family(const TensorSource& source) {
  for (const KnownFamily& known : all_families()) {
    bool all = true;
    for (const std::string_view sign : known.signs) all = all && anywhere(source, sign);
    if (all) return known.family;
  }
  return std::nullopt;
}

}  // namespace xlstm
