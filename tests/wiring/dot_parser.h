// Enough of Graphviz's grammar to tell a valid graph from a broken one: digraph, subgraph,
// attributes, nodes, edges, quoted names with escapes. Throws std::runtime_error on anything else.
#pragma once

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xlstm::testing {

struct DotGraph {
  std::vector<std::string> nodes;     // in order of declaration
  std::vector<std::string> clusters;  // names of subgraphs
  std::vector<std::pair<std::string, std::string>> edges;
};

class DotParser {
 public:
  explicit DotParser(std::string_view text) : text_(text) {}

  DotGraph parse() {
    if (word() != "digraph") fail("wanted digraph");
    id();
    body();
    space();
    if (at_ != text_.size()) fail("text behind the graph");
    for (const auto& [from, to] : graph_.edges) {
      if (!declared(from) || !declared(to)) fail("edge of an undeclared node");
    }
    return graph_;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error("dot: " + what + " at byte " + std::to_string(at_));
  }
  void space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool take(std::string_view token) {
    space();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void want(std::string_view token) {
    if (!take(token)) fail("wanted " + std::string(token));
  }
  std::string word() {
    space();
    const std::size_t start = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) {
      ++at_;
    }
    if (at_ == start) fail("wanted a name");
    return std::string(text_.substr(start, at_ - start));
  }
  std::string id() {
    if (!take("\"")) return word();
    std::string out;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (static_cast<unsigned char>(text_[at_]) < 0x20) fail("control character in a name");
      if (text_[at_] == '\\' && ++at_ == text_.size()) break;
      out += text_[at_];
    }
    want("\"");
    return out;
  }
  void attributes() {
    if (!take("[")) return;
    do {
      id();
      want("=");
      id();
    } while (take(","));
    want("]");
  }
  void body() {
    want("{");
    while (!take("}")) statement();
  }
  void statement() {
    const std::string name = id();
    if (name == "subgraph") {
      graph_.clusters.push_back(id());
      return body();
    }
    if (take("=")) {
      id();
    } else if (take("->")) {
      graph_.edges.emplace_back(name, id());
      attributes();
    } else {
      if (name != "node") graph_.nodes.push_back(name);
      attributes();
    }
    want(";");
  }
  bool declared(const std::string& name) const {
    return std::count(graph_.nodes.begin(), graph_.nodes.end(), name) == 1;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  DotGraph graph_;
};

inline DotGraph parse_dot(std::string_view text) {
  return DotParser(text).parse();
}

}  // namespace xlstm::testing
