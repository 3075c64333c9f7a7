// --quantize, --group-size and --mode, which several commands share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "xlstm/apps/command.h"
#include "xlstm/base/quantization.h"

namespace xlstm::apps {

struct QuantizeOptions {
  std::string bits;        // empty: not quantised
  std::string group_size;  // empty: the mode's own
  std::string mode;        // empty: affine

  // What they say together. Throws Error(kUsage) for a format that we do not have.
  std::optional<Quantization> format() const;
};

std::vector<Option> quantize_options(QuantizeOptions& to);

}  // namespace xlstm::apps
