#include "xlstm/weights/tensor_source.h"

#include <algorithm>

namespace xlstm {

std::vector<std::byte> TensorSource::read_all(std::size_t index) const {
  std::vector<std::byte> all(static_cast<std::size_t>(tensors()[index].bytes));
  read(index, 0, all);
  return all;
}

std::size_t TensorSource::find(std::string_view name) const {
  const auto& all = tensors();
  const auto found = std::lower_bound(
      all.begin(), all.end(), name,
      [](const TensorInfo& info, std::string_view wanted) { return info.name < wanted; });
  return found != all.end() && found->name == name ? static_cast<std::size_t>(found - all.begin())
                                                   : npos;
}

}  // namespace xlstm
