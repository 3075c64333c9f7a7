#include "xlstm/cpu/row_groups.h"

#include <cstddef>

namespace xlstm::cpu {

RowGroups::RowGroups(const RowAttentionSpec& spec) : rows_(spec.group.size()) {
  std::vector<std::size_t> targets(rows_.size(), 0);
  for (const bool wanted : {true, false}) {
    for (std::size_t row = 0; row < spec.group.size(); ++row) {
      if ((spec.is_target[row] != 0) != wanted) continue;
      const auto group = static_cast<std::size_t>(spec.group[row]);
      rows_[group].push_back(static_cast<std::int32_t>(row));
      targets[group] += wanted ? 1 : 0;
    }
  }
  for (std::size_t group = 0; group < rows_.size(); ++group) {
    if (!rows_[group].empty()) groups_.push_back({rows_[group], targets[group]});
  }
}

}  // namespace xlstm::cpu
