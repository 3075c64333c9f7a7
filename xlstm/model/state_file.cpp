#include "xlstm/model/state_file.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <span>

#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/base/hash.h"
#include "xlstm/base/utf8.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm {
namespace {

constexpr std::string_view kFormat = "xlstm-state-1";
constexpr std::string_view kNextLogits = "next_logits";  // the one tensor outside the blocks

constexpr std::uint64_t kLastPosition = std::uint64_t{1} << 62;  // far from where a count wraps

// Version 0.1.0 grouped digits as the host's locale said: "3,601", "3.601" or "3 601" for 3601. In
// a file of one sequence, what stands between digits and before two more was such a mark (India's
// groups have two digits).
std::string without_grouping(std::string_view text) {
  const auto is_digit = [text](std::size_t i) {
    return i < text.size() && text[i] >= '0' && text[i] <= '9';
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool mark =
        !is_digit(i) && i > 0 && is_digit(i - 1) && is_digit(i + 1) && is_digit(i + 2);
    if (!mark) out += text[i];
  }
  return out;
}

// The number of tokens that the one sequence in the file has read.
std::uint64_t parse_position(std::string_view text, const std::string& file) {
  const std::string number = without_grouping(text);
  std::uint64_t value = 0;
  const char* const end = number.data() + number.size();
  const auto [next, error] = std::from_chars(number.data(), end, value);
  if (error == std::errc() && next != end && *next == ',') {
    fail_wanted(ErrorKind::kFormat, file, "the state of one sequence",
                str("positions ", quoted(text)));
  }
  if (error != std::errc() || next != end || value > kLastPosition) {
    fail_wanted(ErrorKind::kFormat, file, "a position as a number", quoted(text));
  }
  return value;
}

const std::string& metadata_of(const TensorSource& source, const char* key,
                               const std::string& file) {
  const auto found = source.metadata().find(key);
  if (found != source.metadata().end()) return found->second;
  fail_wanted(ErrorKind::kFormat, file, str("a state file with metadata ", quoted(key)), "none");
}

// A tensor of the state as the file holds it: with a first axis of one sequence.
struct NamedTensor {
  std::string name;
  Shape shape;  // in the file
  Tensor tensor;
};

Tensor read_tensor(const TensorSource& source, const std::string& name, const Shape& shape,
                   const TensorShape& wanted, Backend& backend, const std::string& file) {
  const std::size_t index = source.find(name);
  if (index == TensorSource::npos) {
    fail_wanted(ErrorKind::kFormat, file, str("tensor ", name), "none");
  }
  const TensorInfo& info = source.tensors()[index];
  if (info.shape != shape || info.dtype != DType::kF32) {
    fail_wanted(ErrorKind::kFormat, file, str(name, " F32 ", to_string(shape)),
                str(name_of(info.dtype), " ", to_string(info.shape)));
  }
  Tensor tensor = backend.allocate(wanted, DType::kF32, file);
  source.read(index, 0, backend.writable(tensor));
  return tensor;
}

Shape with_one_row(Shape shape) {
  shape.insert(shape.begin(), 1);
  return shape;
}

// In the order in which they are hashed and written.
std::vector<NamedTensor> tensors_of(const State& state, const Plan& plan) {
  std::vector<NamedTensor> out;
  for (const Layer& layer : plan.layers) {
    for (const StateTensor& declared : layer.state) {
      out.push_back({declared.name, with_one_row(declared.shape), state.tensors.at(out.size())});
    }
  }
  if (state.next_logits) {
    out.push_back({std::string(kNextLogits), {1, 1, plan.V}, state.next_logits});
  }
  return out;
}

// Of all tensors' bytes, in order: a bit that flipped on a disk must not pass for what was read.
std::string hash_of(const std::vector<NamedTensor>& tensors, Backend& backend) {
  Hash hash;
  for (const NamedTensor& each : tensors) hash.add(backend.read(each.tensor));
  return std::to_string(hash.value());
}

void check_bytes(const TensorSource& source, const std::vector<NamedTensor>& tensors,
                 Backend& backend, const std::string& file) {
  if (metadata_of(source, "hash", file) == hash_of(tensors, backend)) return;
  fail_wanted(ErrorKind::kFormat, file, "the bytes that were saved", "others: the file is damaged");
}

// A state that is not finite stays so whatever is read: nobody shall look for the fault in weights.
void check_finite(ErrorKind kind, const std::string& file, const NamedTensor& each,
                  Backend& backend) {
  const std::span<const float> values = backend.read_floats(each.tensor);
  const std::size_t at = first_not_finite(values.data(), values.size());
  if (at == values.size()) return;
  fail_wanted(kind, file, "a state of finite numbers",
              str(values[at], " in ", each.name, ", element ", at));
}

// `name "a" instead of "b"; weights ...`: of what both sides say of themselves.
std::string differences(const TensorSource& source, const StateOwner& owner) {
  std::string text;
  bool told = false;
  for (const auto& [key, wanted] : owner.description) {
    const auto found = source.metadata().find("model_" + key);
    if (found == source.metadata().end()) continue;
    told = true;
    if (found->second == wanted) continue;
    text += str(text.empty() ? "" : "; ", key, " ", quoted(found->second), " instead of ",
                quoted(wanted));
  }
  if (!text.empty()) return text;
  return told ? "which differs in its weights alone"
              : "written by an earlier version, which did not say more";
}

void check_model(const TensorSource& source, const StateOwner& owner, const std::string& file) {
  const std::string& fingerprint = metadata_of(source, "model", file);
  if (fingerprint == owner.fingerprint) return;
  fail_wanted(
      ErrorKind::kModel, file, str("a state of this model (", owner.fingerprint, ")"),
      str("one of another model (", quoted(fingerprint), "): ", differences(source, owner)));
}

// Whether `file` is a state that has read something.
bool has_read_something(const std::filesystem::path& file) {
  try {
    const auto source = open_safetensors(file);
    const auto& metadata = source->metadata();
    const auto format = metadata.find("format"), positions = metadata.find("positions");
    return format != metadata.end() && format->second == kFormat && positions != metadata.end() &&
           positions->second.find_first_of("123456789") != std::string::npos;
  } catch (const Error&) {  // nothing, or no state
    return false;
  }
}

}  // namespace

void save_state(const std::filesystem::path& file, const State& state, const Model& model) {
  if (state.position == 0 && has_read_something(file)) {
    fail_wanted(ErrorKind::kUsage, file.string(),
                "a state that has read something, as the one that is there has", "an empty one");
  }
  Backend& backend = model.backend();
  const std::vector<NamedTensor> named = tensors_of(state, model.plan());
  std::vector<TensorToWrite> tensors;
  for (const NamedTensor& each : named) {
    check_finite(ErrorKind::kModel, file.string(), each, backend);
    tensors.push_back({each.name, DType::kF32, each.shape, backend.read(each.tensor)});
  }
  std::map<std::string, std::string> metadata = {{"format", std::string(kFormat)},
                                                 {"hash", hash_of(named, backend)},
                                                 {"model", model.fingerprint()},
                                                 {"positions", str(state.position)}};
  for (const auto& [key, text] : model.description()) {
    metadata.emplace("model_" + key, utf8_repaired(text));
  }
  write_safetensors(file, tensors, metadata);
}

State read_state(const TensorSource& source, const StateOwner& owner, Backend& backend,
                 const std::string& where) {
  const std::string& format = metadata_of(source, "format", where);
  if (format != kFormat) fail_wanted(ErrorKind::kFormat, where, quoted(kFormat), quoted(format));
  check_model(source, owner, where);

  State state;
  state.position = parse_position(metadata_of(source, "positions", where), where);
  const bool has_logits = source.find(kNextLogits) != TensorSource::npos;
  std::size_t wanted = has_logits ? 1 : 0;
  for (const Layer& layer : owner.plan.layers) wanted += layer.state.size();
  if (source.tensors().size() != wanted) {
    fail_wanted(ErrorKind::kFormat, where, str(wanted, " tensors"), str(source.tensors().size()));
  }
  for (const Layer& layer : owner.plan.layers) {
    for (const StateTensor& declared : layer.state) {
      state.tensors.push_back(read_tensor(source, declared.name, with_one_row(declared.shape),
                                          TensorShape(declared.shape), backend, where));
    }
  }
  if (has_logits) {
    const std::int64_t V = owner.plan.V;
    state.next_logits =
        read_tensor(source, std::string(kNextLogits), {1, 1, V}, {V}, backend, where);
  }
  const std::vector<NamedTensor> named = tensors_of(state, owner.plan);
  check_bytes(source, named, backend, where);
  for (const NamedTensor& each : named) {
    check_finite(ErrorKind::kFormat, where, each, backend);
  }
  return state;
}

State load_state(const std::filesystem::path& file, const Model& model) {
  return read_state(*open_safetensors(file),
                    {model.plan(), model.fingerprint(), model.description()}, model.backend(),
                    file.string());
}

}  // namespace xlstm
