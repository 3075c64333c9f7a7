// Which optional parts an xLSTM-large model has.
#pragma once

#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/diagnostics.h"
#include "xlstm/wiring/families/xlstm_large/config.h"
#include "xlstm/wiring/tensor_names.h"

namespace xlstm::xlstm_large {

struct OptionalParts {
  bool use_bias = false;
  bool has_out_norm = true;
  bool out_norm_bias = false;
  bool tied_head = false;

  Conditions conditions() const;
};

// What the tensors show, as far as the config agrees. Where the two differ the config's word counts
// as a promise: the part is then wanted (and found missing later), or a fault says that it is too
// much.
OptionalParts find_optional_parts(const LargeConfig& config, const SortedTensors& tensors,
                                  const TensorSource& source, Diagnostics& diagnostics);

}  // namespace xlstm::xlstm_large
