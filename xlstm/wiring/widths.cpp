#include "xlstm/wiring/widths.h"

#include <cmath>
#include <initializer_list>
#include <limits>
#include <map>
#include <string>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

constexpr std::size_t kNone = TensorSource::npos;

// Votes for one width.
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

struct Ballot {
  Votes V, D, NH, DQK, DV, F, QKVO;

  void add(Axis axis, std::int64_t length) {
    switch (axis) {
      case Axis::kV:
        return V.add(length);
      case Axis::kD:
        return D.add(length);
      case Axis::kNH:
        return NH.add(length);
      case Axis::kDQK:
        return DQK.add(length);
      case Axis::kDV:
        return DV.add(length);
      case Axis::kF:
        return F.add(length);
      case Axis::k2NH:
        return NH.add(length % 2 == 0 ? length / 2 : 0);
      case Axis::k2F:
        return F.add(length % 2 == 0 ? length / 2 : 0);
      case Axis::kQKVO:
        return QKVO.add(length);
    }
  }
};

void vote(const RowList& rows, const Filled& filled, const TensorSource& source, Ballot& ballot) {
  for (std::size_t entry = 0; entry < filled.size(); ++entry) {
    if (filled[entry] == kNone) continue;
    const std::vector<Axis>& axes = rows.entries()[entry].row->axes;
    const Shape& shape = source.tensors()[filled[entry]].shape;
    if (shape.size() != axes.size()) continue;
    for (std::size_t i = 0; i < axes.size(); ++i) ballot.add(axes[i], shape[i]);
  }
}

struct Claim {
  std::string_view key;
  std::optional<std::int64_t> value;
};

// Of several keys for one size it is enough that one is right (spec: Hugging Face writes a default
// into hidden_size that says nothing).
void compare(std::initializer_list<Claim> claims, std::string_view what, std::uint64_t found,
             Faults& faults) {
  std::string said;
  for (const Claim& claim : claims) {
    if (!claim.value) continue;
    if (static_cast<std::uint64_t>(*claim.value) == found) return;
    said += str(said.empty() ? "" : " and ", claim.key, " is ", *claim.value);
  }
  if (said.empty() || found == 0) return;
  faults.add([&] { return str(said, ", the tensors say ", what, " = ", found); });
}

void compare_factor(std::string_view key, std::optional<double> factor, std::string_view what,
                    std::int64_t found, std::int64_t D, Faults& faults) {
  if (!factor || found == 0 || D == 0) return;
  const double wanted = std::trunc(static_cast<double>(D) * *factor);
  if (wanted == static_cast<double>(found)) return;
  faults.add([&] {
    return str(key, " is ", *factor, ", which makes ", what, " = ", wanted, ", the tensors say ",
               what, " = ", found);
  });
}

// Two roundings are about: the reference's, which is no ceiling when the product lies less than 1
// above a multiple, and the true one, which others write.
void compare_ffn(const LargeConfig& config, const Widths& widths, Faults& faults) {
  if (!config.ffn_proj_factor || widths.F == 0 || widths.D == 0) return;
  const auto multiple = static_cast<double>(config.ffn_round_up_to_multiple_of);
  const double product = static_cast<double>(widths.D) * *config.ffn_proj_factor;
  const double reference = std::floor((product + multiple - 1) / multiple) * multiple;
  const double ceiling = std::ceil(product / multiple) * multiple;
  const auto found = static_cast<double>(widths.F);
  if (found == reference || found == ceiling) return;
  faults.add([&] {
    return str("ffn_proj_factor is ", *config.ffn_proj_factor, ", which makes F = ", reference,
               " (a multiple of ", multiple, "), the tensors say F = ", widths.F);
  });
}

void check_division(std::string_view what, std::int64_t width, std::int64_t NH, Faults& faults) {
  if (NH == 0 || width % NH == 0) return;
  faults.add([&] { return str("NH = ", NH, " heads do not divide ", what, " = ", width); });
}

}  // namespace

bool is_axis_length(std::int64_t length) {
  return length >= 1 && length <= std::numeric_limits<std::int32_t>::max();
}

Widths find_widths(const SortedTensors& tensors, const TensorSource& source) {
  Ballot ballot;
  vote(outer_rows(), tensors.outer, source, ballot);
  for (const auto& [number, block] : tensors.blocks) {
    vote(block_rows(), block.filled, source, ballot);
  }
  Widths out{ballot.V.winner(),   ballot.D.winner(),  ballot.NH.winner(),
             ballot.DQK.winner(), ballot.DV.winner(), ballot.F.winner()};
  const std::int64_t rest = ballot.QKVO.winner() - 2 * out.DV;
  if (out.DQK == 0 && out.DV > 0 && rest > 0 && rest % 2 == 0) out.DQK = rest / 2;
  return out;
}

void compare_sizes(const LargeConfig& config, const Widths& widths, const SortedTensors& tensors,
                   Faults& faults) {
  const auto found = [](std::int64_t width) { return static_cast<std::uint64_t>(width); };
  compare({{"vocab_size", config.vocab_size}}, "V", found(widths.V), faults);
  compare({{"embedding_dim", config.embedding_dim}, {"hidden_size", config.hidden_size}}, "D",
          found(widths.D), faults);
  const std::uint64_t blocks = tensors.blocks.empty() ? 0 : tensors.blocks.rbegin()->first + 1;
  compare({{"num_blocks", config.num_blocks}, {"num_hidden_layers", config.num_hidden_layers}}, "L",
          blocks, faults);
  compare({{"num_heads", config.num_heads}}, "NH", found(widths.NH), faults);
  compare_factor("qk_dim_factor", config.qk_dim_factor, "DQK", widths.DQK, widths.D, faults);
  compare_factor("v_dim_factor", config.v_dim_factor, "DV", widths.DV, widths.D, faults);
  compare_ffn(config, widths, faults);
  check_division("DQK", widths.DQK, widths.NH, faults);
  check_division("DV", widths.DV, widths.NH, faults);
}

}  // namespace xlstm
