// Which optional parts a model has.
#pragma once

#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/config.h"
#include "xlstm/wiring/faults.h"
#include "xlstm/wiring/tensor_names.h"

namespace xlstm {

struct Presence {
  bool use_bias = false;
  bool has_out_norm = true;
  bool out_norm_bias = false;
  bool tied_head = false;

  bool has(When when) const;
};

// What the tensors show, as far as the config agrees. Where the two differ the config's word counts
// as a promise: the part is then wanted (and found missing later), or a fault says that it is too
// much.
Presence find_presence(const LargeConfig& config, const SortedTensors& tensors,
                       const TensorSource& source, Faults& faults);

}  // namespace xlstm
