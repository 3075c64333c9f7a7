// A checkpoint's tensors, sorted into the rows of the tensor table by name.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/tensor_table.h"

namespace xlstm {

// The checkpoint tensors of some slots, numbered from 0 in the table's order: a slot's parts, then
// its fused form.
class RowList {
 public:
  struct Entry {
    std::size_t slot;  // index into slots()
    const TensorRow* row;
  };

  explicit RowList(const std::vector<SlotRow>& slots);

  const std::vector<SlotRow>& slots() const { return slots_; }
  const std::vector<Entry>& entries() const { return entries_; }
  std::size_t first(std::size_t slot) const { return first_[slot]; }  // entry of its first part
  std::size_t find(std::string_view name) const;  // TensorSource::npos if unknown

 private:
  const std::vector<SlotRow>& slots_;
  std::vector<Entry> entries_;
  std::vector<std::size_t> first_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
};

const RowList& outer_rows();
const RowList& block_rows();

// Which tensor of the source fills which entry; TensorSource::npos where none does.
using Filled = std::vector<std::size_t>;

struct BlockTensors {
  Filled filled;                        // by entry of block_rows()
  std::vector<std::size_t> unexpected;  // inside the block, but in no row
  bool has_mlstm = false;
};

struct SortedTensors {
  Filled outer;  // by entry of outer_rows()
  std::map<std::uint64_t, BlockTensors> blocks;
  std::vector<std::size_t> unexpected;                     // outside blocks
  std::vector<std::pair<std::size_t, std::size_t>> twice;  // tensors that fill the same entry
  std::string wrapper;                                     // prefixes as this checkpoint has them
  std::string block_prefix{kBlockPrefixes.front()};
  bool has_mlstm = false;

  // The name under which this checkpoint would hold a row of block `number`.
  std::string name_in_block(std::uint64_t number, const TensorRow& row) const;
};

// Time and memory are linear in the number of tensors, whatever block numbers their names have.
SortedTensors sort_tensors(const TensorSource& source);

}  // namespace xlstm
