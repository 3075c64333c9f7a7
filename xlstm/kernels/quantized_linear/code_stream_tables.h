// How 16 codes of kBits bits, 2, 3, 5 or 6, which lie in 2 * kBits bytes, are spread with AVX2's
// instructions: the two bytes that hold a code are brought together, and a product puts the code
// into the upper one.
#pragma once

#include <cstdint>

namespace xlstm::kernels {

template <unsigned kBits>
struct CodeStreamTables {
  constexpr CodeStreamTables() : source(), factor() {
    for (unsigned i = 0; i < 16; ++i) {
      for (unsigned half = 0; half < 32; half += 16) {
        const unsigned at = i / 8 * 32 + half + i % 8 * 2;
        source[at] = static_cast<std::uint8_t>(i * kBits / 8);
        source[at + 1] = static_cast<std::uint8_t>(i * kBits / 8 + 1);
        factor[at / 2] = static_cast<std::uint16_t>(1U << (8 - i * kBits % 8));
      }
    }
  }
  alignas(32) std::uint8_t source[64];   // of bytes, in two vectors of both halves alike
  alignas(32) std::uint16_t factor[32];  // of the pairs of bytes that these make
};

}  // namespace xlstm::kernels
