#include "xlstm/wiring/tensor_names.h"

#include <charconv>
#include <optional>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

constexpr std::size_t kNone = TensorSource::npos;
constexpr std::size_t kMostDigits = 18;  // of a block number: fits in 64 bits with room to add 1

struct SplitName {
  std::string_view wrapper;
  std::string_view block_prefix;  // empty: not inside a block
  std::uint64_t block = 0;
  std::string_view rest;
};

std::size_t wrapper_length(std::string_view name) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < kWrapperPrefixes.size();) {
    const bool found = name.substr(length).starts_with(kWrapperPrefixes[i]);
    length += found ? kWrapperPrefixes[i].size() : 0;
    i = found ? 0 : i + 1;
  }
  return length;
}

// "12.rest" -> 12 and "rest". A number is written in one way only: no sign, no leading zero.
std::optional<SplitName> split_block(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot > kMostDigits) return std::nullopt;
  if (text[0] == '0' && dot > 1) return std::nullopt;
  SplitName out;
  const auto [end, error] = std::from_chars(text.data(), text.data() + dot, out.block);
  if (error != std::errc() || end != text.data() + dot) return std::nullopt;
  out.rest = text.substr(dot + 1);
  return out;
}

SplitName split(std::string_view name) {
  const std::size_t wrapped = wrapper_length(name);
  const std::string_view inner = name.substr(wrapped);
  for (const std::string_view prefix : kBlockPrefixes) {
    if (!inner.starts_with(prefix)) continue;
    if (auto found = split_block(inner.substr(prefix.size()))) {
      found->wrapper = name.substr(0, wrapped);
      found->block_prefix = prefix;
      return *found;
    }
  }
  return {name.substr(0, wrapped), {}, 0, inner};
}

// Puts a tensor into its entry; false if its name is in no row.
bool fill(const RowList& rows, std::string_view name, std::size_t tensor, Filled& filled,
          SortedTensors& out) {
  const std::size_t entry = rows.find(name);
  if (entry == kNone) return false;
  if (filled[entry] == kNone) {
    filled[entry] = tensor;
  } else {
    out.twice.emplace_back(filled[entry], tensor);
  }
  return true;
}

void sort_into_block(const SplitName& name, std::size_t tensor, SortedTensors& out) {
  BlockTensors& block = out.blocks[name.block];
  block.filled.resize(block_rows().entries().size(), kNone);
  if (!fill(block_rows(), name.rest, tensor, block.filled, out)) {
    block.unexpected.push_back(tensor);
    return;
  }
  if (!name.rest.starts_with("mlstm_layer.")) return;
  if (!out.has_mlstm) {
    out.wrapper = name.wrapper;
    out.block_prefix = str(name.wrapper, name.block_prefix);
  }
  block.has_mlstm = out.has_mlstm = true;
}

}  // namespace

RowList::RowList(const std::vector<SlotRow>& slots) : slots_(slots) {
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    first_.push_back(entries_.size());
    for (const TensorRow& part : slots[slot].parts) entries_.push_back({slot, &part});
    if (slots[slot].fused) entries_.push_back({slot, &*slots[slot].fused});
  }
  for (std::size_t entry = 0; entry < entries_.size(); ++entry) {
    for (const std::string_view name : entries_[entry].row->names) by_name_.emplace(name, entry);
  }
}

std::size_t RowList::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? kNone : found->second;
}

const RowList& outer_rows() {
  static const RowList rows(outer_slots());
  return rows;
}

const RowList& block_rows() {
  static const RowList rows(block_slots());
  return rows;
}

std::string SortedTensors::name_in_block(std::uint64_t number, const TensorRow& row) const {
  return str(block_prefix, number, ".", row.names.front());
}

SortedTensors sort_tensors(const TensorSource& source) {
  SortedTensors out;
  out.outer.resize(outer_rows().entries().size(), kNone);
  for (std::size_t i = 0; i < source.tensors().size(); ++i) {
    const SplitName name = split(source.tensors()[i].name);
    if (!name.block_prefix.empty()) {
      sort_into_block(name, i, out);
    } else if (!fill(outer_rows(), name.rest, i, out.outer, out)) {
      out.unexpected.push_back(i);
    }
  }
  return out;
}

}  // namespace xlstm
