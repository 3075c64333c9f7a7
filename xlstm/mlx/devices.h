// What MLX finds on this machine.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace xlstm::mlx {

struct DeviceFacts {
  std::string name;                            // "cpu", "gpu 0"
  std::map<std::string, std::string> details;  // as MLX tells them: architecture, memory, ...
};

std::string version();
std::vector<DeviceFacts> devices();  // that this MLX can use

}  // namespace xlstm::mlx
