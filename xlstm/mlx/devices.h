// What MLX finds on this machine.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "xlstm/mlx/mlx_backend.h"

namespace xlstm::mlx {

struct DeviceFacts {
  std::string name;                            // "cpu", "gpu 0"
  std::map<std::string, std::string> details;  // as MLX tells them: architecture, memory, ...
};

std::string version();
std::vector<DeviceFacts> devices();  // that this MLX can use

// What devices of one kind have in common: "Apple M2 Max applegpu_g14s".
std::string device_kind(DeviceKind kind);

}  // namespace xlstm::mlx
