#include "xlstm/text/multi_pattern.h"

#include <limits>

#include "xlstm/base/error.h"

namespace xlstm::text {
namespace {

constexpr std::int32_t kRoot = 0;
constexpr std::int32_t kNone = -1;
constexpr std::int32_t kDead = -2;

}  // namespace

MultiPattern::MultiPattern() {
  nodes_.push_back({kNone, kNone, kRoot, kNone, 0});
  root_children_.fill(kNone);
}

MultiPattern::Index MultiPattern::child(Index node, unsigned char byte) const {
  if (node == kRoot) return root_children_[byte];
  const Node* nodes = nodes_.data();
  for (Index at = nodes[node].first_child; at != kNone; at = nodes[at].next_sibling) {
    if (nodes[at].byte == byte) return at;
  }
  return kNone;
}

MultiPattern::Index MultiPattern::add_child(Index node, unsigned char byte) {
  if (nodes_.size() >= static_cast<std::size_t>(std::numeric_limits<Index>::max())) {
    fail(ErrorKind::kFormat, "added_tokens", "wanted less than 2 GiB of added tokens, got more");
  }
  const auto added = static_cast<Index>(nodes_.size());
  nodes_.push_back({kNone, nodes_[static_cast<std::size_t>(node)].first_child, kRoot, kNone, byte});
  nodes_[static_cast<std::size_t>(node)].first_child = added;
  if (node == kRoot) root_children_[byte] = added;
  return added;
}

void MultiPattern::add(std::string_view text, std::int32_t value) {
  if (text.empty()) return;
  Index node = kRoot;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const Index next = child(node, byte);
    node = next != kNone ? next : add_child(node, byte);
  }
  Node& last = nodes_[static_cast<std::size_t>(node)];
  if (last.match != kNone) return;
  last.match = static_cast<Index>(patterns_.size());
  patterns_.push_back({value, text.size()});
}

MultiPattern::Index MultiPattern::fail_of_child(Index parent, unsigned char byte) const {
  if (parent == kRoot) return kRoot;
  for (Index at = nodes_[static_cast<std::size_t>(parent)].fail; at != kDead;
       at = nodes_[static_cast<std::size_t>(at)].fail) {
    const Index next = child(at, byte);
    if (next != kNone) return next;
    if (at == kRoot) return kRoot;
  }
  return kDead;
}

// By rising depth. A node that is a match has no way back: what follows may only lengthen it.
void MultiPattern::build() {
  std::vector<Index> order{kRoot};
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Index parent = order[i];
    for (Index at = nodes_[static_cast<std::size_t>(parent)].first_child; at != kNone;
         at = nodes_[static_cast<std::size_t>(at)].next_sibling) {
      order.push_back(at);
      Node& node = nodes_[static_cast<std::size_t>(at)];
      node.fail = node.match != kNone ? kDead : fail_of_child(parent, node.byte);
      if (node.fail != kDead && node.match == kNone) {
        node.match = nodes_[static_cast<std::size_t>(node.fail)].match;
      }
    }
  }
}

std::optional<MultiPattern::Found> MultiPattern::find(std::string_view text,
                                                      std::size_t from) const {
  std::optional<Found> found;
  Index node = kRoot;
  for (std::size_t at = from; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (node == kRoot && root_children_[byte] == kNone) continue;  // the common case
    Index next = child(node, byte);
    while (next == kNone && node != kRoot) {
      node = nodes_[static_cast<std::size_t>(node)].fail;
      if (node == kDead) return found;
      next = child(node, byte);
    }
    if (next == kNone) continue;
    node = next;
    const Index match = nodes_[static_cast<std::size_t>(node)].match;
    if (match == kNone) continue;
    const Added& pattern = patterns_[static_cast<std::size_t>(match)];
    found = Found{at + 1 - pattern.size, at + 1, pattern.value};
  }
  return found;
}

}  // namespace xlstm::text
