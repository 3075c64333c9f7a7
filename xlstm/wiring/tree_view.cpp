#include <algorithm>
#include <array>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/base/shape.h"
#include "xlstm/wiring/layer_specs.h"
#include "xlstm/wiring/view_text.h"
#include "xlstm/wiring/views.h"

namespace xlstm {
namespace {

struct Glyphs {
  std::string_view branch, last, pipe, space;  // three columns each
};
constexpr Glyphs kUnicodeGlyphs = {"├─ ", "└─ ", "│  ", "   "};
constexpr Glyphs kAsciiGlyphs = {"|- ", "`- ", "|  ", "   "};

enum Column { kName, kKind, kShape, kDtype, kParameters, kBytes, kState, kColumns };
using Row = std::array<std::string, kColumns>;

// Characters of well-formed UTF-8; ours are all one column wide.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string align(const std::vector<Row>& rows) {
  std::array<std::size_t, kColumns> widths{};
  for (const Row& row : rows) {
    for (int c = 0; c < kColumns; ++c) widths[c] = std::max(widths[c], width_of(row[c]));
  }
  std::string out;
  for (const Row& row : rows) {
    std::string line;
    for (int c = 0; c < kColumns; ++c) {
      const std::string padding(widths[c] - width_of(row[c]), ' ');
      line += c >= kParameters ? padding + row[c] : row[c] + padding;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

// Layers [begin, end) with the same group: a block, or a layer that is in none.
struct Group {
  std::size_t begin, end;
};

std::vector<Group> groups_of(const Plan& plan) {
  std::vector<Group> out;
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    const std::string_view group = group_of(plan.layers[i]);
    const bool same = !out.empty() && !group.empty() && group == group_of(plan.layers[i - 1]);
    if (same) {
      out.back().end = i + 1;
    } else {
      out.push_back({i, i + 1});
    }
  }
  return out;
}

bool alike(const Layer& a, const Layer& b) {
  if (a.kind != b.kind || a.dtype != b.dtype || a.bytes != b.bytes ||
      a.parameters.size() != b.parameters.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.parameters.size(); ++i) {
    if (short_name(a.parameters[i], a) != short_name(b.parameters[i], b)) return false;
    if (a.parameters[i].shape != b.parameters[i].shape) return false;
    if (format_text(a.parameters[i]) != format_text(b.parameters[i])) return false;
  }
  return true;
}

class Tree {
 public:
  Tree(const Plan& plan, const Glyphs& glyphs) : plan_(plan), glyphs_(glyphs) {
    rows_.push_back({"node", "kind", "shape", "dtype", "parameters", "bytes", "state"});
  }

  std::vector<Row> take() {
    for (const Group& group : groups_of(plan_)) add(group);
    rows_.push_back({"total", "", "", "", grouped(plan_.parameter_count()),
                     human_bytes(plan_.bytes()), human_bytes(plan_.state_bytes())});
    return std::move(rows_);
  }

 private:
  void add(const Group& group) {
    const Layer& first = plan_.layers[group.begin];
    const bool last_group = group.end == plan_.layers.size();
    const std::string lead(last_group ? glyphs_.last : glyphs_.branch);
    const std::string below(last_group ? glyphs_.space : glyphs_.pipe);
    if (group_of(first).empty()) return add_layer(first, lead, below, true);
    const bool repeated = shown_ && alike(*shown_, group);
    rows_.push_back({str(lead, group_of(first))});
    if (repeated) rows_.back()[kKind] = str("as ", group_of(plan_.layers[shown_->begin]));
    if (!repeated) shown_ = group;
    for (std::size_t i = group.begin; i < group.end; ++i) {
      const bool last = i + 1 == group.end;
      add_layer(plan_.layers[i], str(below, last ? glyphs_.last : glyphs_.branch),
                str(below, last ? glyphs_.space : glyphs_.pipe), !repeated);
    }
  }

  bool alike(const Group& a, const Group& b) const {
    if (a.end - a.begin != b.end - b.begin) return false;
    for (std::size_t i = 0; i < a.end - a.begin; ++i) {
      if (!xlstm::alike(plan_.layers[a.begin + i], plan_.layers[b.begin + i])) return false;
    }
    return true;
  }

  void add_layer(const Layer& layer, std::string_view lead, std::string_view below,
                 bool with_parameters) {
    const bool tied = is_tied_head(layer);
    rows_.push_back({str(lead, short_name(layer)), layer.kind, tied ? "tied to embedding" : "",
                     layer.dtype, grouped(layer.parameter_count), human_bytes(layer.bytes),
                     layer.state_bytes() > 0 ? human_bytes(layer.state_bytes()) : ""});
    if (!with_parameters) return;
    for (std::size_t i = 0; i < layer.parameters.size(); ++i) {
      const Parameter& parameter = layer.parameters[i];
      const bool last = i + 1 == layer.parameters.size();
      rows_.push_back(
          {str(below, last ? glyphs_.last : glyphs_.branch, short_name(parameter, layer)), "",
           to_string(parameter.shape), format_text(parameter)});
    }
  }

  const Plan& plan_;
  const Glyphs& glyphs_;
  std::vector<Row> rows_;
  std::optional<Group> shown_;  // the last block shown with its tensors
};

}  // namespace

std::string tree_view(const Plan& plan, TreeStyle style) {
  const Glyphs& glyphs = style == TreeStyle::kUnicode ? kUnicodeGlyphs : kAsciiGlyphs;
  return str(printable(plan.name), ": ", sizes_line(plan), "\n", constants_line(plan), "\n",
             align(Tree(plan, glyphs).take()));
}

}  // namespace xlstm
