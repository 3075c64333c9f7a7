// Parts of a checkpoint's tensors as tensors: nothing else of the files is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "xlstm/group/share.h"
#include "xlstm/weights/tensor_source.h"

namespace xlstm {

// Some rows of one tensor, and of these some columns; of words of packed numbers columns are words.
struct TensorCut {
  std::size_t index = 0;  // in the whole checkpoint
  Share rows, columns;    // columns of a tensor of one axis: [0, 1)
};

// Tensors are in the order of `cuts`, which is by name and place. A cut may be of a whole tensor.
std::unique_ptr<TensorSource> cut_source(std::shared_ptr<const TensorSource> whole,
                                         std::vector<TensorCut> cuts);

// Elements of a row.
std::int64_t width_of(const TensorInfo& tensor);

}  // namespace xlstm
