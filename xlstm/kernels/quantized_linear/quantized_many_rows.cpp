#include "xlstm/kernels/quantized_linear/quantized_many_rows.h"

#include "xlstm/kernels/packed_gemm/micro_kernels.h"
#include "xlstm/kernels/packed_gemm/packed_gemm.h"
#include "xlstm/kernels/quantized_linear/quantized_panels.h"

namespace xlstm::kernels {
namespace {

// W from element k0 of row n on, as a matrix of its own.
QuantizedMatrix from(const QuantizedMatrix& W, std::size_t K, std::size_t n, std::size_t k0) {
  const std::size_t first = n * K + k0;
  const auto group = static_cast<std::size_t>(W.format.group_size);
  QuantizedMatrix rest = W;
  rest.words += first * static_cast<std::size_t>(W.format.bits) / 32;
  if (W.format.mode == QuantizationMode::kMxfp4) {
    rest.scales = static_cast<const std::byte*>(W.scales) + first / group;
    return rest;
  }
  const std::size_t bytes = first / group * weight_bytes(W.scale_type);
  rest.scales = static_cast<const std::byte*>(W.scales) + bytes;
  rest.biases = static_cast<const std::byte*>(W.biases) + bytes;
  return rest;
}

// For processors without 8-bit products: the rows in float32, then a panel of them.
void pack_dequantized(ThreadPool& pool, const QuantizedLinearArgs& a, std::size_t n,
                      std::size_t columns, std::size_t k0, std::size_t depth, std::byte* panel) {
  const ScratchLease scratch = pool.scratch_floats(columns * depth, "quantized_linear");
  float* const rows = scratch.floats();
  for (std::size_t c = 0; c < columns; ++c) {
    dequantize_row(from(a.W, a.K, n + c, k0), 0, depth, rows + c * depth);
  }
  pack_float_panel(rows, WeightType::kF32, depth, columns, depth, panel);
}

// What holds for all formats.
constexpr Quantization kAnyFormat{QuantizationMode::kAffine, 4, 64};

}  // namespace

void quantized_linear_many_rows(ThreadPool& pool, const QuantizedLinearArgs& a) {
  const PanelKernel<QuantizedLinearArgs>* const panels = quantized_panels(a.W.format);
  if (panels != nullptr && a.M <= panels->most_rows) {
    return multiply_panels(pool, *panels, a);
  }
  const auto bits = static_cast<std::size_t>(a.W.format.bits);
  const Int8Tile* const dots = int8_tile();
  const auto pack = [&](std::size_t n, std::size_t columns, std::size_t k0, const KBlock& d,
                        std::byte* panel) {
    if (dots != nullptr) return dots->pack_w(a.W, a.K, n, columns, k0, d, panel);
    pack_dequantized(pool, a, n, columns, k0, d.depth, panel);
  };
  packed_gemm(pool, dots != nullptr ? dots->kernel : float_tile(),
              {a.x, a.x_stride, a.bias, a.y, a.y_stride, a.M, a.N, a.K,
               static_cast<std::size_t>(a.W.format.group_size)},
              {reinterpret_cast<const std::byte*>(a.W.words), a.K * bits / 8, bits, pack});
}

bool quantized_linear_rounds_x() {
  return quantized_panels(kAnyFormat) != nullptr || int8_tile() != nullptr;
}

std::size_t quantized_linear_dot_rows() {
  const PanelKernel<QuantizedLinearArgs>* const panels = quantized_panels(kAnyFormat);
  return panels != nullptr ? panels->fewest_rows - 1 : kLinearDotRows;
}

}  // namespace xlstm::kernels
