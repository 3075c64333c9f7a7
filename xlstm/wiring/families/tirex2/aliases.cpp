#include "xlstm/wiring/families/tirex2/aliases.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "xlstm/base/error.h"

namespace xlstm::tirex2 {
namespace {

bool are_equal(const TensorSource& source, std::size_t a, std::size_t b) {
  constexpr std::uint64_t kPiece = std::uint64_t{1} << 18;
  const TensorInfo& first = source.tensors()[a];
  const TensorInfo& second = source.tensors()[b];
  if (first.dtype != second.dtype || first.shape != second.shape) return false;
  std::vector<std::byte> x(std::min(kPiece, first.bytes)), y(x.size());
  for (std::uint64_t at = 0; at < first.bytes; at += kPiece) {
    const auto size = static_cast<std::size_t>(std::min(kPiece, first.bytes - at));
    source.read(a, at, std::span(x).first(size));
    source.read(b, at, std::span(y).first(size));
    if (!std::equal(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(size), y.begin())) {
      return false;
    }
  }
  return true;
}

}  // namespace

void settle_aliases(const TensorSource& source, SortedTensors& tensors, Diagnostics& diagnostics) {
  for (const auto& [first, second] : tensors.duplicates) {
    if (are_equal(source, first, second)) continue;
    diagnostics.add([&, a = first, b = second] {
      return str(quoted(source.tensors()[a].name), " and ", quoted(source.tensors()[b].name),
                 " are names of one tensor, and differ");
    });
  }
  tensors.duplicates.clear();
}

}  // namespace xlstm::tirex2
