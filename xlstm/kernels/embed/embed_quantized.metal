// Rows of a quantised matrix (layout: base/quantization.h), y_t = W[ids_t], in the type of y; a
// thread has one value.
//
// Template: T of y; D; BITS; GROUP; MXFP4: whether codes are E2M1 floats, else w = scale * code +
// bias.
// Inputs: words [V, D * BITS / 32] uint32; scales [V, D / GROUP] of a float type, or uint8; biases
// alike (not read with MXFP4); ids int32, each in [0, V). Outputs: y [number of ids, D].
// Grid: D x ids threads.

namespace xlstm {

// The number of the low 4 bits, sign, two of the exponent, one of the fraction.
inline float float_of_e2m1(uint code) {
  const uint exponent = (code >> 1) & 3u, fraction = code & 1u;
  const float size = exponent == 0u ? 0.5f * float(fraction)
                                    : 0.5f * float(2u + fraction) * float(1u << (exponent - 1u));
  return (code & 8u) != 0u ? -size : size;
}

}  // namespace xlstm

kernel void embed_quantized() {
  constexpr int kWords = D * BITS / 32, kGroups = D / GROUP;
  const int j = int(thread_position_in_grid.x), t = int(thread_position_in_grid.y);
  const size_t row = ids[t];
  auto row_words = words + row * kWords;
  const int bit = j * BITS, shift = bit % 32;
  uint code = row_words[bit / 32] >> uint(shift);
  // What is left of a code lies in the next word.
  if (shift + BITS > 32) code |= row_words[bit / 32 + 1] << uint(32 - shift);
  code &= (1u << uint(BITS)) - 1u;
  const size_t group = row * kGroups + j / GROUP;
  float w;
  if constexpr (MXFP4) {
    w = as_type<float>(uint(scales[group]) << 23u) * xlstm::float_of_e2m1(code);
  } else {
    w = float(scales[group]) * float(code) + float(biases[group]);
  }
  y[size_t(t) * D + j] = static_cast<T>(w);
}
