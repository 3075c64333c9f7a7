// The tensors of a family's models as data: canonical name, names in checkpoints, shape, when it is
// there, how it is put together. What checks, binds and converts tensors reads these rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "xlstm/base/shape.h"

namespace xlstm {

// Lengths of a family's dimensions, by index in TensorTable::dims; 0 while unknown.
using DimLengths = std::vector<std::int64_t>;

struct AxisTerm {
  std::int64_t factor;
  std::size_t dim;  // index in TensorTable::dims, or kUnit
};

// In the place of a dimension: 1, as in {{1, kUnit}} for an axis of that length.
inline constexpr std::size_t kUnit = static_cast<std::size_t>(-1);

// The length of an axis: a dimension, or a sum of some with factors, as 2*DQK + 2*DV.
struct Axis {
  // Implicit, so that a shape is a list of dimensions.
  Axis(std::size_t dim) : terms{{1, dim}} {}
  Axis(std::initializer_list<AxisTerm> sum) : terms(sum) {}

  std::vector<AxisTerm> terms;
};
using Axes = std::vector<Axis>;

std::int64_t length_of(const Axis& axis,
                       const DimLengths& dims);  // 0 if one of its dims is unknown
Shape shape_of(const Axes& axes, const DimLengths& dims);

// Under which condition a parameter exists: an index into Conditions.
using Condition = std::size_t;
inline constexpr Condition kAlways = 0;
using Conditions = std::vector<bool>;  // which hold for a model; [kAlways] is true

// One tensor in a checkpoint.
struct TensorRow {
  // The first is what a writer uses, then other dialects' where they differ, then aliases. Of
  // tensors inside a block: without the block's prefix.
  std::vector<std::string_view> names;
  Axes axes;
};

// One parameter: the concatenation along axis 0 of `parts`, or `fused` where the checkpoint holds
// them in one already. Its own axes may be others than the checkpoint's, for as many elements.
struct ParameterRow {
  std::string_view layer;  // outside blocks its name, "lm_head"; inside the last part, "mlstm"
  std::string_view name;   // canonical, without the layer's name: "qkvo.weight"
  Axes axes;
  Condition condition;
  bool keep_float32;  // gates and norms: float32 whatever the compute dtype
  std::vector<TensorRow> parts;
  std::optional<TensorRow> fused = std::nullopt;
};

// The checkpoint tensors of some parameters ("entries"), numbered from 0 in the rows' order: a
// parameter's parts, then its fused form.
class RowList {
 public:
  struct Entry {
    std::size_t row;  // index into rows()
    const TensorRow* tensor;
  };

  explicit RowList(std::vector<ParameterRow> rows);
  RowList(RowList&&) = default;  // entries point into the rows

  const std::vector<ParameterRow>& rows() const { return rows_; }
  const std::vector<Entry>& entries() const { return entries_; }
  std::size_t first(std::size_t row) const { return first_[row]; }  // entry of its first part
  std::size_t find(std::string_view name) const;                    // TensorSource::npos if unknown

 private:
  std::vector<ParameterRow> rows_;
  std::vector<Entry> entries_;
  std::vector<std::size_t> first_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
};

struct BlockKind {
  RowList rows;
  std::string_view sign;  // begins names of tensors that only blocks of this kind have
};

// Strings must outlive the table.
struct TensorTable {
  std::vector<std::string_view> dims;  // names of the dimensions: "V", "D"
  RowList outer;                       // outside blocks
  RowList block;                       // of each block
  // What may stand before a tensor's name: wrappers, any number of them, and a block's prefix,
  // which its number and a dot follow.
  std::vector<std::string_view> wrappers;
  std::vector<std::string_view> block_prefixes;
  std::string_view block_sign;  // begins names of tensors that only this family's blocks have
  // Where blocks are of two kinds: those of the second, which `block` is not for.
  std::optional<BlockKind> other_block = std::nullopt;

  // For messages. What a block is that has no such name but this one (""): "is of an unknown kind".
  std::string (*foreign_block)(std::string_view name) = nullptr;
  // Why this name is in no row, "" if nothing is known of it.
  std::string_view (*unexpected_because)(std::string_view name) = nullptr;

  std::string text_of(const Axis& axis) const;  // "D", "2*NH", "2*DQK + 2*DV"
  std::string text_of(const Axes& axes) const;  // "[DQK, D]"
};

}  // namespace xlstm
