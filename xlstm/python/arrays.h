// Token ids and logits as arrays: numpy's, any that speak DLPack or the buffer protocol, MLX's.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace xlstm::python {

// Ids of B sequences of S tokens, row by row.
struct IdBlock {
  std::size_t B = 1, S = 0;
  bool is_flat = true;  // given as [S], not as [B, S]
  std::vector<std::int32_t> ids;
};

// Ids [S] or [B, S] from an array of integers or a sequence of them (or of sequences of one
// length). Throws Error(kUsage), naming `where`, for anything else. Copies: the engine keeps ids.
IdBlock id_block(nanobind::handle given, std::string_view where);
// The same of one sequence, [S] or [1, S].
std::vector<std::int32_t> ids_of(nanobind::handle given, std::string_view where);

// An array whose elements are yet to be written, without the GIL if need be.
struct FloatArray {
  nanobind::object object;
  std::span<float> values;  // row-major; lives as long as `object`
};
FloatArray numpy_floats(const std::vector<std::size_t>& shape);

// A numpy array that owns `values`, which are not copied.
nanobind::object numpy_of(std::vector<float> values, const std::vector<std::size_t>& shape);
// A numpy array with a copy of `values`, [n].
nanobind::object numpy_copy(std::span<const float> values);
nanobind::object numpy_copy(std::span<const std::int32_t> values);

// Fills `to` [V] from an array of floats [V] or [1, V]. Throws Error(kUsage), naming `where`, for
// anything else.
void copy_floats(nanobind::handle from, std::span<float> to, std::string_view where);

}  // namespace xlstm::python
