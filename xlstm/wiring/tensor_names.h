// A checkpoint's tensors, sorted into the rows of a family's table by name.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/tensor_table.h"

namespace xlstm {

// Which tensor of the source fills which entry of a RowList; TensorSource::npos where none does.
using TensorsByEntry = std::vector<std::size_t>;

struct BlockTensors {
  const RowList* rows = nullptr;        // the table's for its kind of block
  TensorsByEntry by_entry;              // by entry of `rows`
  std::vector<std::size_t> unexpected;  // inside the block, but in no row
  bool is_known = false;                // it has the family's sign

  // It holds something, and not what the family's blocks have.
  bool is_foreign() const { return !is_known && !unexpected.empty(); }
};

struct SortedTensors {
  TensorsByEntry outer;  // by entry of TensorTable::outer
  std::map<std::uint64_t, BlockTensors> blocks;
  std::vector<std::size_t> unexpected;                          // outside blocks
  std::vector<std::pair<std::size_t, std::size_t>> duplicates;  // tensors that fill the same entry
  std::string wrapper;  // prefixes as this checkpoint has them
  std::string block_prefix;
  bool any_known = false;  // a block of the family

  // The name under which this checkpoint would hold a row of block `number`.
  std::string name_in_block(std::uint64_t number, const TensorRow& row) const;
};

// Time and memory are linear in the number of tensors, whatever block numbers their names have.
SortedTensors sort_tensors(const TensorTable& table, const TensorSource& source);

}  // namespace xlstm
