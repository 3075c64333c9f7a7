#include "xlstm/wiring/plan.h"

#include <algorithm>

#include "xlstm/base/error.h"

namespace xlstm {

std::string_view name_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::kEmbedding:
      return "embedding";
    case NodeKind::kMlstm:
      return "mlstm";
    case NodeKind::kFfn:
      return "ffn";
    case NodeKind::kOutNorm:
      return "rms_norm";
    case NodeKind::kLmHead:
      return "lm_head";
  }
  return "?";
}

std::uint64_t Plan::parameters() const {
  std::uint64_t sum = 0;
  for (const Node& each : nodes) sum += each.parameters;
  return sum;
}

std::uint64_t Plan::bytes() const {
  std::uint64_t sum = 0;
  for (const Node& each : nodes) sum += each.bytes;
  return sum;
}

std::uint64_t Plan::state_bytes() const {
  std::uint64_t sum = 0;
  for (const Node& each : nodes) sum += each.state_bytes;
  return sum;
}

std::optional<std::int64_t> Plan::eos_id() const {
  return eos_ids.empty() ? std::nullopt : std::optional(eos_ids.front());
}

std::string Plan::dtypes() const {
  std::vector<std::string_view> seen;
  std::string out;
  for (const Node& each : nodes) {
    if (each.dtype.empty() || std::find(seen.begin(), seen.end(), each.dtype) != seen.end())
      continue;
    seen.push_back(each.dtype);
    out += str(out.empty() ? "" : ", ", each.dtype);
  }
  return out;
}

const Node& Plan::node(const std::string& wanted) const {
  for (const Node& each : nodes) {
    if (each.name == wanted) return each;
  }
  fail(ErrorKind::kInternal, "plan", str("no node ", quoted(wanted)));
}

const Slot* Plan::find_slot(const std::string& wanted) const {
  for (const Node& each : nodes) {
    if (!wanted.starts_with(each.name)) continue;
    for (const Slot& slot : each.slots) {
      if (slot.name == wanted) return &slot;
    }
  }
  return nullptr;
}

}  // namespace xlstm
