#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/base/shape.h"
#include "xlstm/wiring/view_text.h"
#include "xlstm/wiring/views.h"

namespace xlstm {
namespace {

// The inside of a double-quoted DOT string.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string quote(std::string_view text) {
  return str("\"", escaped(text), "\"");
}

// A line of a label, left-justified.
std::string label_line(std::string_view text) {
  return escaped(text) + "\\l";
}

std::string label_of(const Node& node, bool tied) {
  std::string label = escaped(short_name(node)) + "\\n";
  label += label_line(str("kind ", name_of(node.kind)));
  for (const Slot& slot : node.slots) {
    const std::string format = slot.packed ? str(" ", format_text(slot)) : "";
    label += label_line(str(short_name(slot, node), " ", to_string(slot.shape), format));
  }
  if (tied) return label + label_line("tied to embedding");
  label += label_line(
      str(node.dtype, ", ", grouped(node.parameters), " parameters, ", human_bytes(node.bytes)));
  if (node.state_bytes > 0) label += label_line(str("state ", human_bytes(node.state_bytes)));
  return label;
}

class Drawing {
 public:
  explicit Drawing(const Plan& plan) : plan_(plan) {}

  std::string draw() {
    const std::string title =
        escaped(plan_.name) + "\\n" + escaped(sizes_line(plan_)) + "\\n" +
        str(grouped(plan_.parameters()), " parameters, ", human_bytes(plan_.bytes()), ", state ",
            human_bytes(plan_.state_bytes()));
    out_ = str("digraph ", quote(plan_.name), " {\n", "  label=\"", title, "\";\n",
               "  labelloc=t;\n  node [shape=box];\n");
    for (const Node& node : plan_.nodes) add(node);
    enter({});
    add_edges();
    return out_ + "}\n";
  }

 private:
  // Closes the cluster that is open and opens that of `group`.
  void enter(std::string_view group) {
    if (group == open_) return;
    if (!open_.empty()) out_ += "  }\n";
    if (!group.empty()) {
      out_ +=
          str("  subgraph ", quote(str("cluster_", group)), " {\n    label=", quote(group), ";\n");
    }
    open_ = group;
  }

  void add(const Node& node) {
    enter(group_of(node));
    const bool tied = node.kind == NodeKind::kLmHead && plan_.dims.tied_head;
    out_ += str(open_.empty() ? "  " : "    ", quote(node.name), " [label=\"", label_of(node, tied),
                "\"];\n");
  }

  void add_edges() {
    for (std::size_t i = 1; i < plan_.nodes.size(); ++i) {
      out_ += str("  ", quote(plan_.nodes[i - 1].name), " -> ", quote(plan_.nodes[i].name), ";\n");
    }
    if (plan_.dims.tied_head) {
      out_ += "  \"embedding\" -> \"lm_head\" [style=dashed, label=\"same weight\"];\n";
    }
  }

  const Plan& plan_;
  std::string out_;
  std::string_view open_;
};

}  // namespace

std::string dot_view(const Plan& plan) {
  return Drawing(plan).draw();
}

}  // namespace xlstm
