// The layers of a plan from tensors that have been checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "xlstm/wiring/binding.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

// The layer's name, kind, parameters and what they cost; spec and state are for the family to add.
// `binding` has no faults. Sources are indices of the checkpoint's tensors, not of the view's.
Layer outer_layer(const Binding& binding, std::string_view name, std::string kind);
// Named "blocks.N.name".
Layer block_layer(const Binding& binding, std::uint64_t number, std::string_view name,
                  std::string kind);

// Whether any parameter of a block is fused in the checkpoint.
bool any_fused(const Binding& binding);

// The checkpoint's name for the first row outside blocks.
const std::string& first_name(const Binding& binding);

}  // namespace xlstm
