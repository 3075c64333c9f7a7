#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/base/shape.h"
#include "xlstm/wiring/layer_specs.h"
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

std::string label_of(const Layer& layer, bool tied) {
  std::string label = escaped(short_name(layer)) + "\\n";
  label += label_line(str("kind ", layer.kind));
  for (const Parameter& parameter : layer.parameters) {
    const std::string format = parameter.packed ? str(" ", format_text(parameter)) : "";
    label += label_line(str(short_name(parameter, layer), " ", to_string(parameter.shape), format));
  }
  if (tied) return label + label_line("tied to embedding");
  label += label_line(str(layer.dtype, ", ", grouped(layer.parameter_count), " parameters, ",
                          human_bytes(layer.bytes)));
  if (layer.state_bytes() > 0) label += label_line(str("state ", human_bytes(layer.state_bytes())));
  return label;
}

class Drawing {
 public:
  explicit Drawing(const Plan& plan) : plan_(plan) {}

  std::string draw() {
    const std::string title =
        escaped(plan_.name) + "\\n" + escaped(sizes_line(plan_)) + "\\n" +
        str(grouped(plan_.parameter_count()), " parameters, ", human_bytes(plan_.bytes()),
            ", state ", human_bytes(plan_.state_bytes()));
    out_ = str("digraph ", quote(plan_.name), " {\n", "  label=\"", title, "\";\n",
               "  labelloc=t;\n  node [shape=box];\n");
    for (const Layer& layer : plan_.layers) add(layer);
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

  void add(const Layer& layer) {
    enter(group_of(layer));
    const bool tied = is_tied_head(layer);
    out_ += str(open_.empty() ? "  " : "    ", quote(layer.name), " [label=\"",
                label_of(layer, tied), "\"];\n");
  }

  void add_edges() {
    for (std::size_t i = 1; i < plan_.layers.size(); ++i) {
      out_ +=
          str("  ", quote(plan_.layers[i - 1].name), " -> ", quote(plan_.layers[i].name), ";\n");
    }
    if (plan_.tied_head()) {
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
