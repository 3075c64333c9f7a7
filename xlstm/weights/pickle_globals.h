// The functions and classes that a torch file's pickle may name, and what calling them gives.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "xlstm/weights/pickle.h"

namespace xlstm {

// The name as it is kept, for "collections.OrderedDict" and the like; empty: not known.
std::string_view known_global(std::string_view name);

// What `global`(*arguments) is, or why it is nothing: an error without its place.
struct PickleCall {
  std::optional<PickleValue> value;
  std::string wanted, got;
};
PickleCall call_global(const PickleGlobal& global, const PickleItems& arguments);

// What the persistent id ('storage', torch.FloatStorage, '0', 'cpu', 12) stands for.
PickleCall storage_of(const PickleValue& id);

}  // namespace xlstm
