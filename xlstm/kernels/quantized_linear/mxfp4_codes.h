// Codes of mxfp4 as whole numbers.
#pragma once

#include <cstdint>

namespace xlstm::kernels {

// E2M1 floats (OCP Microscaling Formats 1.0), doubled and moved up by 12 to be unsigned.
inline constexpr int kMxfp4Zero = 12;
alignas(16) inline constexpr std::uint8_t kMxfp4Codes[16] = {12, 13, 14, 15, 16, 18, 20, 24,
                                                             12, 11, 10, 9,  8,  6,  4,  0};

}  // namespace xlstm::kernels
