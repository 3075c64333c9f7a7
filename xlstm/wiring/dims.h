// Dimensions of a model from the shapes of its tensors, and what its config says of them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/diagnostics.h"
#include "xlstm/wiring/tensor_names.h"

namespace xlstm {

// Each dimension is what most of the tensors that show it say (of equals, the first in the table's
// order), so that one misshapen tensor is found to be wrong and not all others. 0 where none shows
// it.
DimLengths find_dims(const TensorTable& table, const SortedTensors& tensors,
                     const TensorSource& source);

struct ConfigClaim {
  std::string_view key;
  std::optional<std::int64_t> value;
};

// A fault where the config gives another size than the tensors. Of several keys for one size it is
// enough that one is right (Hugging Face writes a default into hidden_size that says nothing).
void compare_claims(std::initializer_list<ConfigClaim> claims, std::string_view what,
                    std::uint64_t found, Diagnostics& diagnostics);

// The same where the config gives the size as a factor of another, rounded down.
void compare_factor(std::string_view key, std::optional<double> factor, std::string_view what,
                    std::int64_t found, std::int64_t of, Diagnostics& diagnostics);

// True if tensors of this length along an axis can be held (1 to 2^31 - 1).
bool is_axis_length(std::int64_t length);

}  // namespace xlstm
