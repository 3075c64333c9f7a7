#include "xlstm/apps/batch_round.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace xlstm::apps {
namespace {

// Of what follows.
struct Head {
  std::uint64_t bytes = 0;  // of the lines
  bool ended = false, goes_on = true;
};

// Before a line's text.
struct LineHead {
  std::uint64_t index = 0, request = 0, seed = 0, size = 0;
};

std::string bytes_of(const std::vector<BatchLine>& lines) {
  std::string out;
  for (const BatchLine& line : lines) {
    const LineHead head = {line.index, line.request, line.seed, line.text.size()};
    out.append(reinterpret_cast<const char*>(&head), sizeof head);
    out += line.text;
  }
  return out;
}

std::vector<BatchLine> lines_of(std::string_view bytes) {
  std::vector<BatchLine> out;
  while (!bytes.empty()) {
    LineHead head;
    std::memcpy(&head, bytes.data(), sizeof head);
    bytes.remove_prefix(sizeof head);
    out.push_back({head.index, head.request, head.seed, std::string(bytes.substr(0, head.size))});
    bytes.remove_prefix(head.size);
  }
  return out;
}

}  // namespace

BatchRound agreed(Group* group, BatchRound own) {
  if (group == nullptr) return own;
  std::string bytes = group->leads() ? bytes_of(own.lines) : std::string();
  const Head head = group->broadcast(Head{bytes.size(), own.ended, own.goes_on});
  if (head.bytes > 0) {
    bytes.resize(head.bytes);
    group->broadcast(std::as_writable_bytes(std::span(bytes)));
  }
  if (group->leads()) return own;
  return {lines_of(bytes), head.ended, head.goes_on};
}

}  // namespace xlstm::apps
