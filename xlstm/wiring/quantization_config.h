// What config.json says about quantised layers, as MLX's tools write it:
//
//   "quantization": {"group_size": 64, "bits": 4, "mode": "affine",
//                    "lm_head": {"group_size": 64, "bits": 8}, "backbone.embeddings": false}
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "xlstm/base/json.h"
#include "xlstm/base/quantization.h"

namespace xlstm {

// One layer's format as it is written there, of any mode and size.
struct DeclaredFormat {
  std::string mode = "affine";
  std::int64_t bits = 4;
  std::int64_t group_size = 64;

  // What it means, if that is a format that we have.
  std::optional<Quantization> supported() const;
  std::string text() const;  // "mode affine, 7 bits, groups of 64"
};

struct QuantizationConfig {
  std::optional<DeclaredFormat> common;  // of all layers but those in `layers`
  std::map<std::string, std::optional<DeclaredFormat>> layers;  // none: not quantised

  // Of the layer whose weight is the tensor `path`.weight.
  const DeclaredFormat* find(const std::string& path) const;
};

// From config.json's root; empty if it has no such member. Throws Error(kFormat) for members of
// wrong types.
QuantizationConfig read_quantization(const Json& root, std::string_view where);

}  // namespace xlstm
