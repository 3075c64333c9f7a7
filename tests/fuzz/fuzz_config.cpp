// A config and a checkpoint's tensor headers: nothing but xlstm::Error may leave, and what is
// accepted must be whole. The input is the config's text, a zero byte, and a line for each tensor:
//   name dtype length length ...
// A line that is just "!" stands for all tensors of a small valid model, "- name" takes one away.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/fake_source.h"
#include "tests/wiring/dot_parser.h"
#include "xlstm/base/error.h"
#include "xlstm/wiring/discover.h"
#include "xlstm/wiring/views.h"

namespace {
using namespace xlstm;

void add_line(const std::string& line, testing::FakeSource& source) {
  std::istringstream words(line);
  std::string name, dtype;
  words >> name >> dtype;
  if (name == "!") {
    static const testing::FakeSource valid = testing::make_source();
    for (const TensorInfo& tensor : valid.tensors()) {
      source.add(tensor.name, tensor.shape, tensor.dtype);
    }
  } else if (name == "-") {
    source.remove(dtype);
  } else {
    Shape shape;
    for (std::int64_t length = 0; words >> length;) shape.push_back(length);
    source.add(name, shape, dtype_from_name(dtype).value_or(DType::kF32));
  }
}

testing::FakeSource read_source(std::string_view text) {
  testing::FakeSource source;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) add_line(line, source);
  return source;
}

void require(bool valid) {
  if (!valid) std::abort();
}

// Every tensor feeds one parameter, parameters are as long as their tensors, and the views can be
// drawn.
void check(const Plan& plan, const TensorSource& source) {
  std::vector<int> uses(source.tensors().size(), 0);
  for (const Layer& layer : plan.layers) {
    for (const Parameter& parameter : layer.parameters) {
      std::int64_t rows = 0;
      for (const std::size_t i : parameter.sources) {
        ++uses.at(i);
        rows += source.tensors()[i].shape.front();
      }
      require(rows == parameter.shape.front() && plan.find_parameter(parameter.name) == &parameter);
    }
  }
  for (const int count : uses) require(count == 1);
  for (const SizeFact& size : plan.sizes) require(size.value > 0);
  for (const ConstantFact& fact : plan.constants) {
    if (const float* constant = std::get_if<float>(&fact.value)) require(*constant > 0);
  }
  require(!tree_view(plan, TreeStyle::kUnicode).empty());
  require(nlohmann::json::parse(json_view(plan)).is_object());
  require(testing::parse_dot(dot_view(plan)).nodes.size() == plan.layers.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = text.find('\0');
  const testing::FakeSource source =
      read_source(zero == std::string_view::npos ? std::string_view() : text.substr(zero + 1));
  try {
    check(discover(text.substr(0, zero), source, "fuzz"), source);
  } catch (const Error&) {
  }
  return 0;
}
