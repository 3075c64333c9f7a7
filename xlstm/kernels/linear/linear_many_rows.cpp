#include "xlstm/kernels/linear/linear_args.h"
#include "xlstm/kernels/packed_gemm/dense_panels.h"
#include "xlstm/kernels/packed_gemm/micro_kernels.h"
#include "xlstm/kernels/packed_gemm/packed_gemm.h"

namespace xlstm::kernels {

void linear_many_rows(ThreadPool& pool, const LinearArgs& a) {
  const PanelKernel<LinearArgs>* const panels = dense_panels(a.type);
  if (panels != nullptr && a.M <= panels->most_rows) return multiply_panels(pool, *panels, a);
  const Bf16Tile* const dots = linear_rounds_x(a.type) ? bf16_tile() : nullptr;
  const auto* const rows = static_cast<const std::byte*>(a.W);
  const std::size_t size = weight_bytes(a.type);
  const auto pack = [&](std::size_t n, std::size_t columns, std::size_t k0, const KBlock& d,
                        std::byte* panel) {
    const std::byte* const first = rows + (n * a.K + k0) * size;
    if (dots == nullptr) return pack_float_panel(first, a.type, a.K, columns, d.depth, panel);
    const auto* const halves = reinterpret_cast<const std::uint16_t*>(first);
    dots->pack_w(halves, a.K, columns, d.depth, panel);
  };
  packed_gemm(pool, dots != nullptr ? dots->kernel : float_tile(),
              {a.x, a.x_stride, a.bias, a.y, a.y_stride, a.M, a.N, a.K},
              {rows, a.K * size, size * 8, pack});
}

std::size_t linear_dot_rows(WeightType type) {
  const PanelKernel<LinearArgs>* const panels = dense_panels(type);
  return panels != nullptr ? panels->fewest_rows - 1 : kLinearDotRows;
}

bool linear_rounds_x(WeightType type) {
  return type == WeightType::kBF16 && bf16_tile() != nullptr;
}

}  // namespace xlstm::kernels
