#include "xlstm/wiring/dims.h"

#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

constexpr std::size_t kNone = TensorSource::npos;

// Votes for one length.
class Votes {
 public:
  void add(std::int64_t value) {
    if (is_axis_length(value))
      ++counts_.try_emplace(value, Count{0, counts_.size()}).first->second.votes;
  }
  std::int64_t winner() const {
    std::int64_t best = 0;
    Count top{0, 0};
    for (const auto& [value, count] : counts_) {
      if (count.votes < top.votes || (count.votes == top.votes && count.order > top.order))
        continue;
      best = value;
      top = count;
    }
    return best;
  }

 private:
  struct Count {
    std::uint64_t votes;
    std::size_t order;
  };
  std::map<std::int64_t, Count> counts_;
};

class DimVotes {
 public:
  explicit DimVotes(const TensorTable& table) : table_(table), of_dims_(table.dims.size()) {}

  void add(const RowList& rows, const TensorsByEntry& by_entry, const TensorSource& source) {
    for (std::size_t entry = 0; entry < by_entry.size(); ++entry) {
      if (by_entry[entry] == kNone) continue;
      const Axes& axes = rows.entries()[entry].tensor->axes;
      const Shape& shape = source.tensors()[by_entry[entry]].shape;
      if (shape.size() != axes.size()) continue;
      for (std::size_t i = 0; i < axes.size(); ++i) add(axes[i], shape[i]);
    }
  }

  DimLengths winners() const {
    DimLengths out;
    for (const Votes& votes : of_dims_) out.push_back(votes.winner());
    for (const auto& [name, sum] : of_sums_) solve(*sum.axis, sum.votes.winner(), out);
    return out;
  }

 private:
  struct Sum {
    const Axis* axis = nullptr;
    Votes votes;
  };

  void add(const Axis& axis, std::int64_t length) {
    if (axis.terms.size() > 1) {
      Sum& sum = of_sums_[table_.text_of(axis)];
      sum.axis = &axis;
      return sum.votes.add(length);
    }
    const AxisTerm& term = axis.terms.front();
    if (term.dim == kUnit) return;
    of_dims_[term.dim].add(length % term.factor == 0 ? length / term.factor : 0);
  }

  // A dimension that only sums with others show, where it is the only one that is unknown.
  static void solve(const Axis& axis, std::int64_t rest, DimLengths& lengths) {
    const AxisTerm* unknown = nullptr;
    for (const AxisTerm& term : axis.terms) {
      if (lengths[term.dim] > 0) {
        rest -= term.factor * lengths[term.dim];
      } else if (unknown == nullptr) {
        unknown = &term;
      } else {
        return;
      }
    }
    if (unknown == nullptr || rest <= 0 || rest % unknown->factor != 0) return;
    lengths[unknown->dim] = rest / unknown->factor;
  }

  const TensorTable& table_;
  std::vector<Votes> of_dims_;
  std::map<std::string, Sum> of_sums_;  // by text
};

}  // namespace

bool is_axis_length(std::int64_t length) {
  return length >= 1 && length <= std::numeric_limits<std::int32_t>::max();
}

DimLengths find_dims(const TensorTable& table, const SortedTensors& tensors,
                     const TensorSource& source) {
  DimVotes votes(table);
  votes.add(table.outer, tensors.outer, source);
  for (const auto& [number, block] : tensors.blocks) {
    votes.add(*block.rows, block.by_entry, source);
  }
  return votes.winners();
}

void compare_claims(std::initializer_list<ConfigClaim> claims, std::string_view what,
                    std::uint64_t found, Diagnostics& diagnostics) {
  std::string said;
  for (const ConfigClaim& claim : claims) {
    if (!claim.value) continue;
    if (static_cast<std::uint64_t>(*claim.value) == found) return;
    said += str(said.empty() ? "" : " and ", claim.key, " is ", *claim.value);
  }
  if (said.empty() || found == 0) return;
  diagnostics.add([&] { return str(said, ", the tensors say ", what, " = ", found); });
}

void compare_factor(std::string_view key, std::optional<double> factor, std::string_view what,
                    std::int64_t found, std::int64_t of, Diagnostics& diagnostics) {
  if (!factor || found == 0 || of == 0) return;
  const double wanted = std::trunc(static_cast<double>(of) * *factor);
  if (wanted == static_cast<double>(found)) return;
  diagnostics.add([&] {
    return str(key, " is ", *factor, ", which makes ", what, " = ", wanted, ", the tensors say ",
               what, " = ", found);
  });
}

}  // namespace xlstm
