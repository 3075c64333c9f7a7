// The rows of each group of Backend::row_attention(), as its kernel takes them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "xlstm/backend/backend.h"
#include "xlstm/kernels/row_attention/row_attention.h"

namespace xlstm::cpu {

class RowGroups {
 public:
  explicit RowGroups(const RowAttentionSpec& spec);
  RowGroups(const RowGroups&) = delete;  // groups point into the rows
  RowGroups& operator=(const RowGroups&) = delete;

  std::span<const kernels::RowGroup> list() const { return groups_; }

 private:
  std::vector<std::vector<std::int32_t>> rows_;  // of each group, targets first
  std::vector<kernels::RowGroup> groups_;
};

}  // namespace xlstm::cpu
