#include "xlstm/wiring/plan.h"

#include <algorithm>

#include "xlstm/base/error.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm {

Shape StateTensor::whole_shape() const {
  Shape whole = shape;
  if (is_part()) whole.front() = whole_rows;
  return whole;
}

std::uint64_t Layer::state_bytes() const {
  std::uint64_t sum = 0;
  for (const StateTensor& tensor : state) {
    sum += sizeof(float) * static_cast<std::uint64_t>(element_count(tensor.shape).value_or(0));
  }
  return sum;
}

void Layer::fail_spec(const std::type_info& wanted) const {
  fail_wanted(ErrorKind::kInternal, name, str("a layer with the spec ", wanted.name()),
              str("kind ", quoted(kind), " with ", spec.type().name()));
}

std::uint64_t Plan::parameter_count() const {
  std::uint64_t sum = 0;
  for (const Layer& each : layers) sum += each.parameter_count;
  return sum;
}

std::uint64_t Plan::bytes() const {
  std::uint64_t sum = 0;
  for (const Layer& each : layers) sum += each.bytes;
  return sum;
}

std::uint64_t Plan::state_bytes() const {
  std::uint64_t sum = 0;
  for (const Layer& each : layers) sum += each.state_bytes();
  return sum;
}

std::optional<std::int64_t> Plan::eos_id() const {
  return eos_ids.empty() ? std::nullopt : std::optional(eos_ids.front());
}

std::string Plan::dtypes() const {
  std::vector<std::string_view> seen;
  std::string out;
  for (const Layer& each : layers) {
    if (each.dtype.empty() || std::find(seen.begin(), seen.end(), each.dtype) != seen.end())
      continue;
    seen.push_back(each.dtype);
    out += str(out.empty() ? "" : ", ", each.dtype);
  }
  return out;
}

bool Plan::tied_head() const {
  return std::ranges::any_of(layers, is_tied_head);
}

const Layer& Plan::layer(const std::string& wanted) const {
  for (const Layer& each : layers) {
    if (each.name == wanted) return each;
  }
  fail(ErrorKind::kInternal, "plan", str("no layer ", quoted(wanted)));
}

const Parameter* Plan::find_parameter(const std::string& wanted) const {
  for (const Layer& each : layers) {
    if (!wanted.starts_with(each.name)) continue;
    for (const Parameter& parameter : each.parameters) {
      if (parameter.name == wanted) return &parameter;
    }
  }
  return nullptr;
}

}  // namespace xlstm
