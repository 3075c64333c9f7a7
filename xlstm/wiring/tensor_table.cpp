#include "xlstm/wiring/tensor_table.h"

#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/weights/tensor_source.h"

namespace xlstm {

std::int64_t length_of(const Axis& axis, const DimLengths& dims) {
  std::int64_t sum = 0;
  for (const AxisTerm& term : axis.terms) {
    const std::int64_t length = term.dim == kUnit ? 1 : dims[term.dim];
    if (length <= 0) return 0;
    sum += term.factor * length;
  }
  return sum;
}

Shape shape_of(const Axes& axes, const DimLengths& dims) {
  Shape shape;
  for (const Axis& axis : axes) shape.push_back(length_of(axis, dims));
  return shape;
}

RowList::RowList(std::vector<ParameterRow> rows) : rows_(std::move(rows)) {
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    first_.push_back(entries_.size());
    for (const TensorRow& part : rows_[row].parts) entries_.push_back({row, &part});
    if (rows_[row].fused) entries_.push_back({row, &*rows_[row].fused});
  }
  for (std::size_t entry = 0; entry < entries_.size(); ++entry) {
    for (const std::string_view name : entries_[entry].tensor->names) {
      by_name_.emplace(name, entry);
    }
  }
}

std::size_t RowList::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? TensorSource::npos : found->second;
}

std::string TensorTable::text_of(const Axis& axis) const {
  std::string text;
  for (const AxisTerm& term : axis.terms) {
    if (!text.empty()) text += " + ";
    text += term.dim == kUnit  ? str(term.factor)
            : term.factor == 1 ? str(dims[term.dim])
                               : str(term.factor, "*", dims[term.dim]);
  }
  return text;
}

std::string TensorTable::text_of(const Axes& axes) const {
  std::string text = "[";
  for (const Axis& axis : axes) {
    if (text.size() > 1) text += ", ";
    text += text_of(axis);
  }
  return text + "]";
}

}  // namespace xlstm
