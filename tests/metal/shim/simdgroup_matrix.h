// metal_simdgroup_matrix: 8 x 8 matrices that a SIMD group holds together, two elements a lane.
// Which two a lane has, the emulator says: a kernel that trusts in one order fails under another.
// Loads and stores touch the lane's own elements only, so that each is checked as any other access.
#pragma once

#include "simdgroup.h"

namespace metal {

template <typename T, int Cols, int Rows>
struct simdgroup_matrix {
  static_assert(Cols == 8 && Rows == 8, "Metal 3.1 has matrices of 8 x 8");
  static_assert(is_same_v<T, float> || is_same_v<T, half> || is_same_v<T, bfloat>,
                "of float, half or bfloat");
  vec<T, 2> elements;

  METAL_FUNC simdgroup_matrix() : elements(T(NAN)) {}  // in Metal: whatever the registers hold
  METAL_FUNC explicit simdgroup_matrix(T value) : elements(value) {}
  METAL_FUNC vec<T, 2>& thread_elements() { return elements; }
  METAL_FUNC const vec<T, 2>& thread_elements() const { return elements; }
};
using simdgroup_float8x8 = simdgroup_matrix<float, 8, 8>;
using simdgroup_half8x8 = simdgroup_matrix<half, 8, 8>;
using simdgroup_bfloat8x8 = simdgroup_matrix<bfloat, 8, 8>;

template <typename T, int Cols, int Rows>
METAL_FUNC simdgroup_matrix<T, Cols, Rows> make_filled_simdgroup_matrix(T value) {
  return simdgroup_matrix<T, Cols, Rows>(value);
}

}  // namespace metal

namespace msl {

struct Place {
  uint row, column;
};
MSL_QUIET inline Place matrix_place(uint lane, int element) {
  const unsigned char* place = runtime->matrix_places[lane][element];
  return {place[0], place[1]};
}
// A matrix operation needs all 32 lanes, and all of them here.
MSL_QUIET inline const Lanes* whole_exchange(const float* values, uint bytes, const Site& site) {
  const Lanes* lanes = runtime->exchange(runtime->self, values, bytes, site);
  if (lanes->active != 0xffffffffu)
    runtime->fail(runtime->self, "a matrix operation needs all 32 lanes of the SIMD group", site);
  return lanes;
}

struct Elements {
  float of[2];
};
// The lane's two elements of a x b, summed in float.
MSL_QUIET inline Elements matrix_product(Elements own_a, Elements own_b, const Site& site) {
  const float both[4] = {own_a.of[0], own_a.of[1], own_b.of[0], own_b.of[1]};
  const Lanes* lanes = whole_exchange(both, sizeof both, site);
  float a[8][8], b[8][8];
  for (uint lane = 0; lane < 32; ++lane) {
    float given[4];
    __builtin_memcpy(given, lanes->values[lane], sizeof given);
    for (int e = 0; e < 2; ++e) {
      const unsigned char* place = runtime->matrix_places[lane][e];
      a[place[0]][place[1]] = given[e];
      b[place[0]][place[1]] = given[2 + e];
    }
  }
  Elements out;
  const uint own = own_lane();
  for (int e = 0; e < 2; ++e) {
    const unsigned char* place = runtime->matrix_places[own][e];
    float sum = 0;
    for (int k = 0; k < 8; ++k) sum += a[place[0]][k] * b[k][place[1]];
    out.of[e] = sum;
  }
  return out;
}

}  // namespace msl

namespace metal {

template <typename T>
METAL_FUNC ulong msl_matrix_offset(uint element, ulong stride, ulong2 origin, bool transpose) {
  const msl::Place place = msl::matrix_place(msl::own_lane(), int(element));
  const ulong row = transpose ? place.column : place.row,
              column = transpose ? place.row : place.column;
  return (origin.y + row) * stride + origin.x + column;
}

template <typename T>
METAL_FUNC void simdgroup_load(simdgroup_matrix<T, 8, 8>& d, const T* source,
                               ulong elements_per_row = 8, ulong2 origin = ulong2(0),
                               bool transpose = false, MSL_HERE) {
  const msl::Site site = MSL_SITE("simdgroup_load");
  const float nothing = 0;
  msl::whole_exchange(&nothing, sizeof nothing, site);
  for (uint e = 0; e < 2; ++e)
    d.elements[int(e)] = source[msl_matrix_offset<T>(e, elements_per_row, origin, transpose)];
}
template <typename T>
METAL_FUNC void simdgroup_store(const simdgroup_matrix<T, 8, 8>& a, T* destination,
                                ulong elements_per_row = 8, ulong2 origin = ulong2(0),
                                bool transpose = false, MSL_HERE) {
  const msl::Site site = MSL_SITE("simdgroup_store");
  const float nothing = 0;
  msl::whole_exchange(&nothing, sizeof nothing, site);
  for (uint e = 0; e < 2; ++e)
    destination[msl_matrix_offset<T>(e, elements_per_row, origin, transpose)] = a.elements[int(e)];
}

// d = a x b + c. The types of a and b may differ from that of c and d.
template <typename T, typename A, typename B>
METAL_FUNC void simdgroup_multiply_accumulate(simdgroup_matrix<T, 8, 8>& d,
                                              const simdgroup_matrix<A, 8, 8>& a,
                                              const simdgroup_matrix<B, 8, 8>& b,
                                              const simdgroup_matrix<T, 8, 8>& c, MSL_HERE) {
  const msl::Site site = MSL_SITE("simdgroup_multiply_accumulate");
  const msl::Elements product =
      msl::matrix_product({{float(a.elements.x), float(a.elements.y)}},
                          {{float(b.elements.x), float(b.elements.y)}}, site);
  d.elements =
      vec<T, 2>(T(product.of[0] + float(c.elements.x)), T(product.of[1] + float(c.elements.y)));
}
template <typename T, typename A, typename B>
METAL_FUNC void simdgroup_multiply(simdgroup_matrix<T, 8, 8>& d, const simdgroup_matrix<A, 8, 8>& a,
                                   const simdgroup_matrix<B, 8, 8>& b, MSL_HERE) {
  const msl::Site site = MSL_SITE("simdgroup_multiply");
  const msl::Elements product =
      msl::matrix_product({{float(a.elements.x), float(a.elements.y)}},
                          {{float(b.elements.x), float(b.elements.y)}}, site);
  d.elements = vec<T, 2>(T(product.of[0]), T(product.of[1]));
}

}  // namespace metal
