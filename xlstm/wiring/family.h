// What tells one architecture from another. A family is a folder in families/ and an entry in the
// table of families.cpp.
#pragma once

#include <span>
#include <string_view>

#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/config_file.h"
#include "xlstm/wiring/division.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

struct Family {
  std::string_view name;           // "xlstm-large"
  std::string_view recognised_by;  // for people: "xLSTM-large (...mlstm_layer...)"

  // By the config or the tensors' names; whether all else is right is for `plan` to say.
  bool (*recognise)(const ConfigFile& config, const TensorSource& tensors);

  // All but family, name and token ids. Throws Error(kModel) with every fault found; kFormat for
  // keys of wrong types in the config. `where` names the model in errors.
  Plan (*plan)(const ConfigFile& config, const TensorSource& tensors, std::string_view where);

  // How its models are divided among ranks; null: they are not.
  DivideLayer divide = nullptr;
};

// The families that are run, in the order in which they are asked.
std::span<const Family* const> families();

}  // namespace xlstm
