#include "xlstm/mlx/float32_products.h"

#include <cstdlib>

namespace xlstm::mlx {
namespace {

constexpr const char* kVariable = "MLX_ENABLE_TF32";

}  // namespace

void ask_for_float32_products(const ::mlx::core::Device& device) {
  if (device == ::mlx::core::Device::gpu) ::setenv(kVariable, "0", 0);
}

bool may_round_to_tf32(const ::mlx::core::Device& device) {
  const char* const value = std::getenv(kVariable);
  return device == ::mlx::core::Device::gpu && value != nullptr &&
         std::atoi(value) != 0;  // as MLX reads it
}

}  // namespace xlstm::mlx
