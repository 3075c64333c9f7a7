#include "xlstm/wiring/assemble.h"

#include <set>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

constexpr std::size_t kNone = TensorSource::npos;

bool is_fused(const RowList& rows, const Filled& filled, std::size_t slot) {
  const SlotRow& row = rows.slots()[slot];
  return row.fused && filled[rows.first(slot) + row.parts.size()] != kNone;
}

std::vector<std::size_t> sources_of(const RowList& rows, const Filled& filled, std::size_t slot) {
  const std::size_t first = rows.first(slot);
  const std::size_t parts = rows.slots()[slot].parts.size();
  if (is_fused(rows, filled, slot)) return {filled[first + parts]};
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < parts; ++i) out.push_back(filled[first + i]);
  return out;
}

// Four bytes for each element of C [NH, DHQK, DHV], n [NH, DHQK] and m [NH].
std::uint64_t mlstm_state_bytes(const Widths& w) {
  const auto NH = static_cast<std::uint64_t>(w.NH);
  const auto DHQK = static_cast<std::uint64_t>(w.DQK) / NH;
  const auto DHV = static_cast<std::uint64_t>(w.DV) / NH;
  return 4 * (NH * DHQK * DHV + NH * DHQK + NH);
}

class Assembler {
 public:
  Assembler(const TensorSource& source, const Widths& widths, const Presence& presence)
      : source_(source), widths_(widths), presence_(presence) {}

  void add(std::string name, NodeKind kind, const RowList& rows, const Filled& filled) {
    Node node;
    node.name = std::move(name);
    node.kind = kind;
    std::set<DType> dtypes;
    for (std::size_t slot = 0; slot < rows.slots().size(); ++slot) {
      const SlotRow& row = rows.slots()[slot];
      if (row.node != kind || !presence_.has(row.when)) continue;
      node.slots.push_back({str(node.name, ".", row.name), shape_of(row.axes, widths_),
                            sources_of(rows, filled, slot), row.keep_float32});
      count(node.slots.back(), node, dtypes);
    }
    for (const DType dtype : dtypes) {
      node.dtype += str(node.dtype.empty() ? "" : "+", name_of(dtype));
    }
    if (kind == NodeKind::kMlstm) node.state_bytes = mlstm_state_bytes(widths_);
    nodes_.push_back(std::move(node));
  }

  std::vector<Node> take() { return std::move(nodes_); }

 private:
  void count(const Slot& slot, Node& node, std::set<DType>& dtypes) const {
    node.parameters += static_cast<std::uint64_t>(element_count(slot.shape).value_or(0));
    for (const std::size_t tensor : slot.sources) {
      node.bytes += source_.tensors()[tensor].bytes;
      dtypes.insert(source_.tensors()[tensor].dtype);
    }
  }

  const TensorSource& source_;
  const Widths& widths_;
  const Presence& presence_;
  std::vector<Node> nodes_;
};

}  // namespace

std::vector<Node> assemble_nodes(const SortedTensors& tensors, const TensorSource& source,
                                 const Widths& widths, const Presence& presence) {
  Assembler assembler(source, widths, presence);
  assembler.add("embedding", NodeKind::kEmbedding, outer_rows(), tensors.outer);
  for (const auto& [number, block] : tensors.blocks) {
    assembler.add(str("blocks.", number, ".mlstm"), NodeKind::kMlstm, block_rows(), block.filled);
    assembler.add(str("blocks.", number, ".ffn"), NodeKind::kFfn, block_rows(), block.filled);
  }
  if (presence.has_out_norm) {
    assembler.add("out_norm", NodeKind::kOutNorm, outer_rows(), tensors.outer);
  }
  assembler.add("lm_head", NodeKind::kLmHead, outer_rows(), tensors.outer);
  return assembler.take();
}

std::string dialect_of(const SortedTensors& tensors, const TensorSource& source) {
  // The embedding's is the only name in which the two differ; the table's first row is the
  // embedding.
  const std::string& embedding = source.tensors()[tensors.outer.front()].name;
  const auto& names = outer_slots().front().parts.front().names;
  std::string dialect = embedding.ends_with(names[1]) ? "package" : "hf";
  for (const auto& [number, block] : tensors.blocks) {
    for (std::size_t slot = 0; slot < block_rows().slots().size(); ++slot) {
      if (is_fused(block_rows(), block.filled, slot)) return dialect + "+fused";
    }
  }
  return dialect;
}

}  // namespace xlstm
