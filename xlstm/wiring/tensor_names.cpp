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

std::size_t wrapper_length(const std::vector<std::string_view>& wrappers, std::string_view name) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < wrappers.size();) {
    const bool found = name.substr(length).starts_with(wrappers[i]);
    length += found ? wrappers[i].size() : 0;
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

class Sorter {
 public:
  Sorter(const TensorTable& table, const TensorSource& source) : table_(table), source_(source) {
    out_.outer.resize(table.outer.entries().size(), kNone);
    if (!table.block_prefixes.empty()) out_.block_prefix = table.block_prefixes.front();
  }

  SortedTensors take() {
    std::vector<SplitName> names;
    for (const TensorInfo& tensor : source_.tensors()) {
      names.push_back(split(tensor.name));
      if (!names.back().block_prefix.empty()) find_kind(names.back());
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!names[i].block_prefix.empty()) {
        BlockTensors& block = out_.blocks[names[i].block];
        if (!fill(*block.rows, names[i].rest, i, block.by_entry)) block.unexpected.push_back(i);
      } else if (!fill(table_.outer, names[i].rest, i, out_.outer)) {
        out_.unexpected.push_back(i);
      }
    }
    return std::move(out_);
  }

 private:
  SplitName split(std::string_view name) const {
    const std::size_t wrapped = wrapper_length(table_.wrappers, name);
    const std::string_view inner = name.substr(wrapped);
    for (const std::string_view prefix : table_.block_prefixes) {
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
  bool fill(const RowList& rows, std::string_view name, std::size_t tensor,
            TensorsByEntry& by_entry) {
    const std::size_t entry = rows.find(name);
    if (entry == kNone) return false;
    if (by_entry[entry] == kNone) {
      by_entry[entry] = tensor;
    } else {
      out_.duplicates.emplace_back(by_entry[entry], tensor);
    }
    return true;
  }

  // By the first name that only blocks of one kind have.
  void find_kind(const SplitName& name) {
    BlockTensors& block = out_.blocks[name.block];
    if (block.is_known) return;
    if (block.rows == nullptr) set_kind(block, table_.block);
    if (has_sign(table_.block, table_.block_sign, name.rest)) {
      block.is_known = true;
    } else if (table_.other_block &&
               has_sign(table_.other_block->rows, table_.other_block->sign, name.rest)) {
      set_kind(block, table_.other_block->rows);
      block.is_known = true;
    }
    if (!block.is_known || out_.any_known) return;
    out_.any_known = true;
    out_.wrapper = name.wrapper;
    out_.block_prefix = str(name.wrapper, name.block_prefix);
  }

  static void set_kind(BlockTensors& block, const RowList& rows) {
    block.rows = &rows;
    block.by_entry.assign(rows.entries().size(), kNone);
  }

  static bool has_sign(const RowList& rows, std::string_view sign, std::string_view name) {
    return name.starts_with(sign) && rows.find(name) != kNone;
  }

  const TensorTable& table_;
  const TensorSource& source_;
  SortedTensors out_;
};

}  // namespace

std::string SortedTensors::name_in_block(std::uint64_t number, const TensorRow& row) const {
  return str(block_prefix, number, ".", row.names.front());
}

SortedTensors sort_tensors(const TensorTable& table, const TensorSource& source) {
  return Sorter(table, source).take();
}

}  // namespace xlstm
