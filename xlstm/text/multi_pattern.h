// Search for many texts at once.
// Source: Aho and Corasick 1975, "Efficient string matching".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace xlstm::text {

class MultiPattern {
 public:
  struct Found {
    std::size_t begin, end;
    std::int32_t value;
  };

  MultiPattern();

  // Empty texts are never found. Of equal texts the first counts. Not after build().
  void add(std::string_view text, std::int32_t value);
  void build();

  bool empty() const { return nodes_.size() == 1; }

  // The leftmost match in text[from..], of those that start there the longest. Time is linear in
  // what lies between `from` and the match's end, plus the longest text.
  std::optional<Found> find(std::string_view text, std::size_t from) const;

 private:
  using Index = std::int32_t;
  struct Node {
    Index first_child, next_sibling;
    Index fail;   // the longest suffix that is a prefix too; kDead: a match before would be lost
    Index match;  // pattern that ends here
    unsigned char byte;
  };
  struct Added {
    std::int32_t value;
    std::size_t size;
  };

  Index child(Index node, unsigned char byte) const;
  Index add_child(Index node, unsigned char byte);
  Index fail_of_child(Index parent, unsigned char byte) const;

  std::vector<Node> nodes_;
  std::array<Index, 256> root_children_;
  std::vector<Added> patterns_;
};

}  // namespace xlstm::text
