#include "xlstm/wiring/unsupported_families.h"

#include <string>
#include <vector>

namespace xlstm {
namespace {

// A family whose names have all of `signs` somewhere, not all in the same name. In the order in
// which they are asked: the later ones have signs which the earlier ones may have too.
struct UnsupportedFamily {
  std::string_view name;
  std::vector<std::string_view> signs;
};

const std::vector<UnsupportedFamily>& all_families() {
  static const std::vector<UnsupportedFamily> all = {
      {"a stack of sLSTM blocks in TiRex's layout", {".slstm_layer."}},
      {"Vision-LSTM", {"patch_embed", ".layer."}},
      {"Vision-LSTM", {"pos_embed", ".layer."}},
      {"Bio-xLSTM", {"backbone.", ".mlstm_cell."}},
      {"an xLSTM with the original mLSTM cell", {".mlstm_cell."}},
      {"a JAX tree of xLSTM-large, not converted yet", {"xlstm_lm_model"}},
      {"a JAX tree of xLSTM-large, not converted yet", {".Dense_0.kernel"}},
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

std::string_view recognise_unsupported_family(const TensorSource& source) {
  for (const UnsupportedFamily& family : all_families()) {
    bool all = true;
    for (const std::string_view sign : family.signs) all = all && anywhere(source, sign);
    if (all) return family.name;
  }
  return {};
}

}  // namespace xlstm
