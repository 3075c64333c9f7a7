#include "xlstm/wiring/binding.h"

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/wiring/dims.h"

namespace xlstm {
namespace {

constexpr std::size_t kNone = TensorSource::npos;

// What is outside blocks, or one block: which rows, which tensors, how a row is called in this
// checkpoint.
struct Group {
  const RowList& rows;
  const TensorsByEntry& by_entry;
  const Conditions& conditions;
  std::function<std::string(const TensorRow&)> name;
};

class Checker {
 public:
  Checker(const Binding& binding, Diagnostics& diagnostics)
      : binding_(binding),
        table_(binding.table),
        tensors_(binding.tensors),
        source_(binding.source),
        dims_(binding.dims),
        diagnostics_(diagnostics) {}

  void check_all() {
    check_gaps();
    check_kinds();
    find_fused();
    for_each_group([this](const Group& group) { check_missing(group); });
    for (const auto& [first, second] : tensors_.duplicates) add_duplicate(first, second);
    for_each_group([this](const Group& group) { check_filled(group); });
    for_each_group([this](const Group& group) { check_formats(group); });
    for_each_group([this](const Group& group) { check_unwanted(group); });
    check_unexpected();
  }

 private:
  const TensorInfo& info(std::size_t tensor) const { return source_.tensors()[tensor]; }

  void for_each_group(const std::function<void(const Group&)>& visit) const {
    visit({table_.outer, tensors_.outer, binding_.conditions,
           [this](const TensorRow& row) { return str(tensors_.wrapper, row.names.front()); }});
    for (const auto& [number, block] : tensors_.blocks) {
      if (block.is_foreign()) continue;
      visit(
          {*block.rows, block.by_entry, binding_.conditions_of(number),
           [this, at = number](const TensorRow& row) { return tensors_.name_in_block(at, row); }});
    }
  }

  void check_gaps() {
    std::uint64_t next = 0;
    for (const auto& [number, block] : tensors_.blocks) {
      if (number == next + 1) {
        diagnostics_.add([&] { return str("block ", next, " is missing"); });
      } else if (number > next) {
        diagnostics_.add(
            [&, last = number - 1] { return str("blocks ", next, " to ", last, " are missing"); });
      }
      next = number + 1;
    }
  }

  void check_kinds() {
    for (const auto& [number, block] : tensors_.blocks) {
      if (!block.is_foreign()) continue;
      const std::string& name = info(block.unexpected.front()).name;
      diagnostics_.add([&, at = number] {
        return str("block ", at, " ",
                   table_.foreign_block ? table_.foreign_block(name) : "is of an unknown kind",
                   ": it has ", quoted(name));
      });
    }
  }

  // Which parameters this checkpoint holds fused somewhere: a block that lacks all of one lacks
  // that form.
  void find_fused() {
    for (const auto& [number, block] : tensors_.blocks) {
      for (std::size_t index = 0; index < block.rows->rows().size(); ++index) {
        if (holds_fused({*block.rows, block.by_entry, binding_.conditions, {}}, index)) {
          fused_.insert(&block.rows->rows()[index]);
        }
      }
    }
  }

  static bool holds_fused(const Group& group, std::size_t index) {
    const ParameterRow& row = group.rows.rows()[index];
    return row.fused && group.by_entry[group.rows.first(index) + row.parts.size()] != kNone;
  }

  void check_missing(const Group& group) {
    for (std::size_t index = 0; index < group.rows.rows().size(); ++index) {
      const ParameterRow& row = group.rows.rows()[index];
      if (!group.conditions[row.condition]) continue;
      const std::size_t first = group.rows.first(index);
      std::size_t present = 0;
      for (std::size_t i = 0; i < row.parts.size(); ++i)
        present += group.by_entry[first + i] != kNone;
      if (holds_fused(group, index)) {
        if (present > 0) add_both(group, index);
      } else if (present == 0 && row.fused && fused_.contains(&row)) {
        add_missing(group, *row.fused);
      } else {
        for (std::size_t i = 0; i < row.parts.size(); ++i) {
          if (group.by_entry[first + i] == kNone) add_missing(group, row.parts[i]);
        }
      }
    }
  }

  void add_missing(const Group& group, const TensorRow& row) {
    diagnostics_.add([&] {
      return str("missing tensor ", quoted(group.name(row)), " ", table_.text_of(row.axes), " = ",
                 wanted(row.axes));
    });
  }

  void add_duplicate(std::size_t first, std::size_t second) {
    diagnostics_.add([&] {
      return str(quoted(info(first).name), " and ", quoted(info(second).name),
                 " are the same tensor");
    });
  }

  void add_both(const Group& group, std::size_t index) {
    const ParameterRow& row = group.rows.rows()[index];
    const std::size_t first = group.rows.first(index);
    std::size_t part = 0;
    while (group.by_entry[first + part] == kNone) ++part;
    diagnostics_.add([&] {
      return str(quoted(info(group.by_entry[first + part]).name), " is in ",
                 quoted(info(group.by_entry[first + row.parts.size()]).name), " too");
    });
  }

  // "[2048, 4096]", with the letter where a width is unknown.
  std::string wanted(const Axes& axes) const {
    std::string text = "[";
    for (const Axis& axis : axes) {
      if (text.size() > 1) text += ", ";
      const std::int64_t length = length_of(axis, dims_);
      text += length > 0 ? str(length) : str(table_.text_of(axis));
    }
    return text + "]";
  }

  bool fits(const Shape& shape, const Axes& axes) const {
    if (shape.size() != axes.size()) return false;
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const std::int64_t length = length_of(axes[i], dims_);
      if (!is_axis_length(shape[i]) || (length > 0 && length != shape[i])) return false;
    }
    return true;
  }

  void check_filled(const Group& group) {
    for (std::size_t entry = 0; entry < group.by_entry.size(); ++entry) {
      if (group.by_entry[entry] == kNone || source_.has_faults(group.by_entry[entry])) continue;
      const TensorInfo& tensor = info(group.by_entry[entry]);
      const Axes& axes = group.rows.entries()[entry].tensor->axes;
      if (!fits(tensor.shape, axes)) {
        diagnostics_.add([&] {
          return str(quoted(tensor.name), ": wanted shape ", table_.text_of(axes), " = ",
                     wanted(axes), ", got ", to_string(tensor.shape));
        });
      }
      if (!is_float(tensor.dtype)) {
        diagnostics_.add([&] {
          return str(quoted(tensor.name), ": wanted a float dtype, got ", name_of(tensor.dtype));
        });
      }
    }
  }

  void check_formats(const Group& group) {
    for (std::size_t index = 0; index < group.rows.rows().size(); ++index) {
      const ParameterRow& row = group.rows.rows()[index];
      const std::size_t first = group.rows.first(index);
      const std::size_t entries = row.parts.size() + (row.fused ? 1 : 0);
      for (std::size_t i = 0; i < entries; ++i) {
        const std::size_t tensor = group.by_entry[first + i];
        if (tensor == kNone || source_.has_faults(tensor)) continue;
        if (row.keep_float32) {
          if (source_.packed(tensor) != nullptr) add_quantised(tensor);
        } else if (i > 0 && i < row.parts.size()) {
          compare_formats(group.by_entry[first], tensor);
        }
      }
    }
  }

  void add_quantised(std::size_t tensor) {
    diagnostics_.add([&] {
      return str(quoted(info(tensor).name), ": gates and norms are not run quantised, got ",
                 stored_as(tensor));
    });
  }

  // Rows that are joined into one matrix at load. Plain ones may differ: they are converted.
  void compare_formats(std::size_t first, std::size_t tensor) {
    if (first == kNone || source_.has_faults(first)) return;
    const PackedTensors* a = source_.packed(first);
    const PackedTensors* b = source_.packed(tensor);
    if (a == nullptr && b == nullptr) return;
    if (a != nullptr && b != nullptr && a->format == b->format && a->scale_type == b->scale_type) {
      return;
    }
    diagnostics_.add([&] {
      return str(quoted(info(tensor).name), ": wanted ", stored_as(first), ", as ",
                 quoted(info(first).name), ", whose rows are joined with it, got ",
                 stored_as(tensor));
    });
  }

  std::string stored_as(std::size_t tensor) const {
    const PackedTensors* packed = source_.packed(tensor);
    if (packed == nullptr) return std::string(name_of(info(tensor).dtype));
    return str(to_string(packed->format), ", scales ", name_of(packed->scale_type));
  }

  // Of parameters that this model does not have.
  void check_unwanted(const Group& group) {
    for (std::size_t entry = 0; entry < group.by_entry.size(); ++entry) {
      const ParameterRow& row = group.rows.rows()[group.rows.entries()[entry].row];
      if (group.by_entry[entry] == kNone || group.conditions[row.condition]) continue;
      add_unexpected(group.by_entry[entry]);
    }
  }

  void check_unexpected() {
    for (const auto& [number, block] : tensors_.blocks) {
      if (block.is_foreign()) continue;
      for (const std::size_t tensor : block.unexpected) add_unexpected(tensor);
    }
    for (const std::size_t tensor : tensors_.unexpected) add_unexpected(tensor);
  }

  void add_unexpected(std::size_t tensor) {
    const std::string& name = info(tensor).name;
    diagnostics_.add([&] {
      const std::string_view reason =
          table_.unexpected_because ? table_.unexpected_because(name) : "";
      return str("unexpected tensor ", quoted(name), " ", to_string(info(tensor).shape),
                 reason.empty() ? "" : ": ", reason);
    });
  }

  const Binding& binding_;
  const TensorTable& table_;
  const SortedTensors& tensors_;
  const MatrixView& source_;
  const DimLengths& dims_;
  Diagnostics& diagnostics_;
  std::set<const ParameterRow*> fused_;
};

// Every dimension of a parameter that the model has is known.
void check_dims(const Binding& binding, Diagnostics& diagnostics) {
  std::set<std::size_t> wanted;
  const auto add = [&](const RowList& rows, const Conditions& conditions) {
    for (const ParameterRow& row : rows.rows()) {
      if (!conditions[row.condition]) continue;
      for (const Axis& axis : row.axes) {
        for (const AxisTerm& term : axis.terms) wanted.insert(term.dim);
      }
    }
  };
  add(binding.table.outer, binding.conditions);
  for (const auto& [number, block] : binding.tensors.blocks) {
    add(*block.rows, binding.conditions_of(number));
  }
  for (const std::size_t dim : wanted) {
    if (dim == kUnit || binding.dims[dim] > 0) continue;
    diagnostics.add(
        [&] { return str("no tensor shows a valid length of ", binding.table.dims[dim]); });
  }
}

}  // namespace

void check_binding(const Binding& binding, Diagnostics& diagnostics, std::string_view where) {
  Checker(binding, diagnostics).check_all();
  if (diagnostics.count() == 0) check_dims(binding, diagnostics);
  diagnostics.throw_if_any(where);
}

}  // namespace xlstm
