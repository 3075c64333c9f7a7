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
    for (std::size_t i = 0; i < source_.tensors().size(); ++i) {
      const SplitName name = split(source_.tensors()[i].name);
      if (!name.block_prefix.empty()) {
        sort_into_block(name, i);
      } else if (!fill(table_.outer, name.rest, i, out_.outer)) {
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

  void sort_into_block(const SplitName& name, std::size_t tensor) {
    BlockTensors& block = out_.blocks[name.block];
    block.by_entry.resize(table_.block.entries().size(), kNone);
    if (!fill(table_.block, name.rest, tensor, block.by_entry)) {
      block.unexpected.push_back(tensor);
      return;
    }
    if (!name.rest.starts_with(table_.block_sign)) return;
    if (!out_.any_known) {
      out_.wrapper = name.wrapper;
      out_.block_prefix = str(name.wrapper, name.block_prefix);
    }
    block.is_known = out_.any_known = true;
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
