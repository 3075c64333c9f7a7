// A walk over the ways in which products of matrices are computed here.
#pragma once

#include <set>
#include <tuple>

#include "tests/kernels/op_cases.h"
#include "xlstm/kernels/packed_gemm/dense_panels.h"
#include "xlstm/kernels/packed_gemm/micro_kernels.h"
#include "xlstm/kernels/quantized_linear/quantized_panels.h"

namespace xlstm::testing {

// The classes of instructions, but for those that multiply as a better one does.
template <class Check>
void for_each_way(const Check& check) {
  constexpr Quantization kNarrow{QuantizationMode::kAffine, 4, 64};
  constexpr Quantization kWide{QuantizationMode::kAffine, 8, 64};
  std::set<std::tuple<const void*, const void*, const void*, const void*, const void*, const void*>>
      tried;
  for_each_simd_class([&](const char* name) {
    const bool unlike =
        tried
            .emplace(&kernels::float_tile(), kernels::bf16_tile(), kernels::int8_tile(),
                     kernels::quantized_panels(kNarrow), kernels::quantized_panels(kWide),
                     kernels::dense_panels(kernels::WeightType::kBF16))
            .second;
    if (unlike) check(name);
  });
}

}  // namespace xlstm::testing
