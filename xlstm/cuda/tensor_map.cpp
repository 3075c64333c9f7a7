#include "xlstm/cuda/tensor_map.h"

#include <array>

namespace xlstm::cuda {

TensorMap tensor_map(const Device& device, const BoxedMatrix& m) {
  constexpr int kBytes = 0, kAsItLies = 0, kSwizzled = 3, kPromoted = 3, kZeros = 0;
  TensorMap map{};
  const auto pitch = static_cast<std::uint64_t>(m.row_bytes);
  const auto all = static_cast<std::uint64_t>(m.rows),
             piece = static_cast<std::uint64_t>(m.box_bytes);
  std::array<std::uint64_t, 3> lengths = {pitch, all, 1};
  const std::array<std::uint64_t, 2> pitches = {pitch, piece};
  const std::array<std::uint32_t, 3> box = {static_cast<std::uint32_t>(m.box_bytes),
                                            static_cast<std::uint32_t>(m.box_rows),
                                            static_cast<std::uint32_t>(m.pieces)};
  const std::array<std::uint32_t, 3> steps = {1, 1, 1};
  if (m.pieces > 0) lengths = {piece, all, pitch / piece};
  const Driver& d = device.driver();
  d.check(d.cuTensorMapEncodeTiled(&map, kBytes, m.pieces > 0 ? 3 : 2, m.from, lengths.data(),
                                   pitches.data(), box.data(), steps.data(), kAsItLies,
                                   m.swizzled ? kSwizzled : kAsItLies, kPromoted, kZeros),
          "a matrix to be described to the GPU");
  return map;
}

}  // namespace xlstm::cuda
