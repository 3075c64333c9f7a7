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
  Assembler(const MatrixView& source, const Widths& widths, const Presence& presence)
      : source_(source), widths_(widths), presence_(presence) {}

  void add(std::string name, NodeKind kind, const RowList& rows, const Filled& filled) {
    Node node;
    node.name = std::move(name);
    node.kind = kind;
    Formats formats;
    for (std::size_t slot = 0; slot < rows.slots().size(); ++slot) {
      const SlotRow& row = rows.slots()[slot];
      if (row.node != kind || !presence_.has(row.when)) continue;
      const auto sources = sources_of(rows, filled, slot);
      count(sources, node, formats);
      node.slots.push_back(
          {str(node.name, ".", row.name), shape_of(row.axes, widths_), {}, row.keep_float32});
      find_sources(sources, node.slots.back());
      node.parameters +=
          static_cast<std::uint64_t>(element_count(node.slots.back().shape).value_or(0));
    }
    node.dtype = formats.text();
    if (kind == NodeKind::kMlstm) node.state_bytes = mlstm_state_bytes(widths_);
    nodes_.push_back(std::move(node));
  }

  std::vector<Node> take() { return std::move(nodes_); }

 private:
  // How a node's weights are stored, the quantised ones first.
  struct Formats {
    std::set<std::string> quantised;
    std::set<DType> plain;

    std::string text() const {
      std::string out;
      const auto add = [&out](std::string_view name) { out += str(out.empty() ? "" : "+", name); };
      for (const std::string& name : quantised) add(name);
      for (const DType dtype : plain) add(name_of(dtype));
      return out;
    }
  };

  void count(const std::vector<std::size_t>& tensors, Node& node, Formats& formats) const {
    for (const std::size_t tensor : tensors) {
      node.bytes += source_.tensors()[tensor].bytes;
      if (const PackedTensors* packed = source_.packed(tensor)) {
        formats.quantised.insert(short_name(packed->format));
      } else {
        formats.plain.insert(source_.tensors()[tensor].dtype);
      }
    }
  }

  // The checkpoint's tensors behind those of the view; all or none of a slot's are quantised.
  void find_sources(const std::vector<std::size_t>& tensors, Slot& slot) const {
    for (const std::size_t tensor : tensors) {
      slot.sources.push_back(source_.origin(tensor));
      const PackedTensors* packed = source_.packed(tensor);
      if (packed == nullptr) continue;
      if (!slot.packed) slot.packed = PackedSlot{packed->format, packed->scale_type, {}, {}};
      slot.packed->scales.push_back(packed->scales);
      if (packed->biases != kNone) slot.packed->biases.push_back(packed->biases);
    }
  }

  const MatrixView& source_;
  const Widths& widths_;
  const Presence& presence_;
  std::vector<Node> nodes_;
};

}  // namespace

std::vector<Node> assemble_nodes(const SortedTensors& tensors, const MatrixView& source,
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
