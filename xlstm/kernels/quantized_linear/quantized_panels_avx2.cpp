// Panels of W for AVX2: four neighbours along K are the units of panels and tiles, or, where they
// are 16-bit numbers, two,
//   a tile of x: [units][rows] units of whole numbers, then [groups][rows] scales and
//      [groups][rows] sums of the numbers times the scale, float32,
//   a step of W: [units][16] units of unsigned codes; scales and biases [groups][16], float32.
// With w = s q + b and x = t p: sum_k x w = sum_groups t (s sum_k p q + b sum_k p).
#include "xlstm/kernels/quantized_linear/quantized_panels.h"

#if defined(__x86_64__)
#include "xlstm/kernels/quantized_linear/quantized_panels_avx2_dots-inl.h"
#include "xlstm/kernels/simd/simd.h"

// Codes of 8 bits as 16-bit numbers with vpmaddwd.
#define XLSTM_SUMS_WAY Words
#define XLSTM_SUMS_TARGET ""
#define XLSTM_SUMS_WORDS true
#define XLSTM_SUMS_DOT(sum, w, x) ((sum) + (Sums)_mm256_madd_epi16(w, x))
#include "xlstm/kernels/quantized_linear/quantized_panels_avx2_sums-inl.h"

// Codes of all widths with vpdpbusd, products of bytes that are added in fours. It exists in two
// encodings, of which each needs a processor of its own kind.
#define XLSTM_SUMS_WAY Avx512VlVnniWay
#define XLSTM_SUMS_TARGET ",avx512f,avx512vl,avx512vnni"
#define XLSTM_SUMS_WORDS false
#define XLSTM_SUMS_DOT(sum, w, x) ((Sums)_mm256_dpbusd_epi32((__m256i)(sum), w, x))
#include "xlstm/kernels/quantized_linear/quantized_panels_avx2_sums-inl.h"

#ifdef XLSTM_HAS_AVX_VNNI
#define XLSTM_SUMS_WAY AvxVnniWay
#define XLSTM_SUMS_TARGET ",avxvnni"
#define XLSTM_SUMS_WORDS false
#define XLSTM_SUMS_DOT(sum, w, x) ((Sums)_mm256_dpbusd_avx_epi32((__m256i)(sum), w, x))
#include "xlstm/kernels/quantized_linear/quantized_panels_avx2_sums-inl.h"
#endif

namespace xlstm::kernels {
namespace {

template <class Way>
const PanelKernel<QuantizedLinearArgs>* kernel() {
  constexpr std::size_t kFewestRows = 3, kMostRows = static_cast<std::size_t>(-1);
  static constexpr PanelKernel<QuantizedLinearArgs> kKernel =
      panel_kernel<Way>(kFewestRows, kMostRows);
  return &kKernel;
}

}  // namespace

const PanelKernel<QuantizedLinearArgs>* quantized_panels_avx2(const Quantization& format) {
#ifdef XLSTM_HAS_AVX_VNNI
  if (has_simd(kAvxVnni)) return kernel<AvxVnniWay>();
#endif
  if (has_simd(kAvx512VlVnni)) return kernel<Avx512VlVnniWay>();
  if (!has_simd(kAvx2)) return nullptr;
  if (format.mode == QuantizationMode::kMxfp4) return kernel<Bytes<4>>();  // codes of 0 to 24
  switch (format.bits) {
    case 5:
      return kernel<Bytes<4>>();
    case 6:
      return kernel<Bytes<2>>();
    case 8:
      return kernel<Words>();
    default:
      return kernel<Bytes<8>>();
  }
}

}  // namespace xlstm::kernels

#else

namespace xlstm::kernels {

const PanelKernel<QuantizedLinearArgs>* quantized_panels_avx2(const Quantization&) {
  return nullptr;
}

}  // namespace xlstm::kernels
#endif
