// A kernel as MLX composed it: the text that it would hand to Metal's compiler, without its
// prelude, and how it would be launched.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mlx/mlx.h"
#include "tests/metal/emulator/geometry.h"

namespace xlstm::metal_emulator {

namespace mx = mlx::core;

struct Parameter {
  std::string type;  // "const device float*", "const constant float&", "uint3"
  std::string name;
  bool is_buffer;  // else an attribute
};

struct Composed {
  std::string name;  // "custom_kernel_" + name given + template values + types
  std::string text;
  Size3 grid, group;
  bool ensure_row_contiguous;
  std::optional<float> init_value;
  struct ShapeInfo {
    bool shape, strides, ndim;
  };
  std::vector<ShapeInfo> shape_infos;  // for each input, which of its sizes are parameters
  int math_mode;

  // Taken from the text. Throws Error(kInternal) where MLX composes otherwise than this reader
  // knows.
  std::vector<Parameter> parameters() const;
  std::string template_arguments() const;  // "<float, 4>", or ""
  std::size_t body() const;                // where the kernel's body begins, past its brace
};

// Whether this array is made by a kernel of mx::fast::metal_kernel.
bool is_metal_kernel(const mx::array& array);
// Its kernel.
Composed composed_kernel(const mx::array& array);

}  // namespace xlstm::metal_emulator
