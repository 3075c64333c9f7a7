#include "xlstm/model/state_file.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <span>

#include "mlx/ops.h"
#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/base/hash.h"
#include "xlstm/base/utf8.h"
#include "xlstm/ops/evaluate.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm {
namespace {
namespace mx = mlx::core;

constexpr std::string_view kFormat = "xlstm-state-1";
constexpr std::string_view kNextLogits = "next_logits";  // the one tensor outside the blocks

constexpr std::uint64_t kLastPosition = std::uint64_t{1} << 62;  // far from where a count wraps

struct Part {
  const char* suffix;
  mx::array ops::MlstmState::*member;
};
constexpr Part kParts[] = {
    {"C", &ops::MlstmState::C}, {"n", &ops::MlstmState::n}, {"m", &ops::MlstmState::m}};

std::string tensor_name(std::size_t block, const Part& part) {
  return str("blocks.", block, ".", part.suffix);
}

Shape shape_of(const mx::array& a) {
  return Shape(a.shape().begin(), a.shape().end());
}

// Of an array that is computed and contiguous.
std::span<const std::byte> bytes_of(const mx::array& a) {
  return {reinterpret_cast<const std::byte*>(a.data<float>()), a.nbytes()};
}

std::string joined(const std::vector<std::uint64_t>& positions) {
  std::string out;
  for (const std::uint64_t position : positions) out += str(out.empty() ? "" : ",", position);
  return out;
}

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

// "12,7" -> {12, 7} for a file of B = 2 sequences; throws on anything else.
std::vector<std::uint64_t> parse_positions(std::string_view text, std::int64_t B,
                                           const std::string& file) {
  const std::string numbers = B == 1 ? without_grouping(text) : std::string(text);
  std::vector<std::uint64_t> out;
  const char* at = numbers.data();
  const char* const end = at + numbers.size();
  while (true) {
    std::uint64_t value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || (next != end && *next != ',') || value > kLastPosition) {
      fail_wanted(ErrorKind::kFormat, file, "positions as numbers with commas", quoted(text));
    }
    out.push_back(value);
    if (next == end) return out;
    at = next + 1;
  }
}

// Sequences in the file, by the shape of its first tensor; 1 where that says nothing, so that
// reading the tensors tells what is wrong.
std::int64_t rows_of(const TensorSource& source) {
  const std::size_t index = source.find(tensor_name(0, kParts[0]));
  if (index == TensorSource::npos) return 1;
  const Shape& shape = source.tensors()[index].shape;
  return shape.empty() ? 1 : shape.front();
}

const std::string& metadata_of(const TensorSource& source, const char* key,
                               const std::string& file) {
  const auto found = source.metadata().find(key);
  if (found != source.metadata().end()) return found->second;
  fail_wanted(ErrorKind::kFormat, file, str("a state file with metadata ", quoted(key)), "none");
}

mx::array read_array(const TensorSource& source, const std::string& name, const Shape& shape,
                     const std::string& file) {
  const std::size_t index = source.find(name);
  if (index == TensorSource::npos)
    fail_wanted(ErrorKind::kFormat, file, str("tensor ", name), "none");
  const TensorInfo& info = source.tensors()[index];
  if (info.shape != shape || info.dtype != DType::kF32) {
    fail_wanted(ErrorKind::kFormat, file, str(name, " F32 ", to_string(shape)),
                str(name_of(info.dtype), " ", to_string(info.shape)));
  }
  const auto bytes = static_cast<std::size_t>(info.bytes);
  auto data = ops::allocate(bytes, file);
  source.read(index, 0, {static_cast<std::byte*>(data.buffer().raw_ptr()), bytes});
  return mx::array(std::move(data), mx::Shape(shape.begin(), shape.end()), mx::float32);
}

// Of all tensors' bytes, in order: a bit that flipped on a disk must not pass for what was read.
std::string hash_of(const std::vector<mx::array>& tensors) {
  Hash hash;
  for (const mx::array& tensor : tensors) hash.add(bytes_of(tensor));
  return std::to_string(hash.value());
}

// A state's tensors in the order in which they are hashed and written.
struct NamedArrays {
  std::vector<std::string> names;
  std::vector<mx::array> arrays;
};

NamedArrays arrays_of(const ModelState& state) {
  NamedArrays out;
  const auto add = [&out](std::string name, const mx::array& array) {
    out.names.push_back(std::move(name));
    out.arrays.push_back(array);
  };
  for (std::size_t l = 0; l < state.blocks.size(); ++l) {
    for (const Part& part : kParts) add(tensor_name(l, part), state.blocks[l].*part.member);
  }
  if (state.next_logits) add(std::string(kNextLogits), *state.next_logits);
  return out;
}

void check_bytes(const TensorSource& source, const std::vector<mx::array>& arrays,
                 const std::string& file) {
  if (metadata_of(source, "hash", file) == hash_of(arrays)) return;
  fail_wanted(ErrorKind::kFormat, file, "the bytes that were saved", "others: the file is damaged");
}

// A state that is not finite stays so whatever is read: nobody shall look for the fault in weights.
void check_finite(ErrorKind kind, const std::string& file, const std::string& name,
                  const mx::array& a) {
  const std::size_t at = first_not_finite(a.data<float>(), a.size());
  if (at == a.size()) return;
  fail_wanted(kind, file, "a state of finite numbers",
              str(a.data<float>()[at], " in ", name, ", element ", at));
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

void save_state(const std::filesystem::path& file, const ModelState& state, const Model& model) {
  const bool empty =
      std::ranges::all_of(state.positions, [](auto position) { return position == 0; });
  if (empty && has_read_something(file)) {
    fail_wanted(ErrorKind::kUsage, file.string(),
                "a state that has read something, as the one that is there has", "an empty one");
  }
  auto [names, arrays] = arrays_of(state);  // keeps the bytes alive while they are written
  for (mx::array& array : arrays) array = mx::contiguous(array);
  ops::evaluate(arrays);
  std::vector<TensorToWrite> tensors;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    check_finite(ErrorKind::kModel, file.string(), names[i], arrays[i]);
    tensors.push_back({names[i], DType::kF32, shape_of(arrays[i]), bytes_of(arrays[i])});
  }
  std::map<std::string, std::string> metadata = {{"format", std::string(kFormat)},
                                                 {"hash", hash_of(arrays)},
                                                 {"model", model.fingerprint()},
                                                 {"positions", joined(state.positions)}};
  for (const auto& [key, text] : model.description()) {
    metadata.emplace("model_" + key, utf8_repaired(text));
  }
  write_safetensors(file, tensors, metadata);
}

ModelState read_state(const TensorSource& source, const StateOwner& owner,
                      const std::string& where) {
  const LargeDims& d = owner.dims;
  const std::string& format = metadata_of(source, "format", where);
  if (format != kFormat) fail_wanted(ErrorKind::kFormat, where, quoted(kFormat), quoted(format));
  check_model(source, owner, where);

  ModelState state;
  state.positions =
      parse_positions(metadata_of(source, "positions", where), rows_of(source), where);
  const bool has_logits = source.find(kNextLogits) != TensorSource::npos;
  const std::size_t wanted =
      static_cast<std::size_t>(d.L) * std::size(kParts) + (has_logits ? 1 : 0);
  if (source.tensors().size() != wanted) {
    fail_wanted(ErrorKind::kFormat, where, str(wanted, " tensors"), str(source.tensors().size()));
  }
  const auto B = static_cast<std::int64_t>(state.positions.size());
  const auto read = [&](const std::string& name, const Shape& shape) {
    return read_array(source, name, shape, where);
  };
  for (std::size_t l = 0; l < static_cast<std::size_t>(d.L); ++l) {
    state.blocks.push_back({read(tensor_name(l, kParts[0]), {B, d.NH, d.DHQK, d.DHV}),
                            read(tensor_name(l, kParts[1]), {B, d.NH, d.DHQK}),
                            read(tensor_name(l, kParts[2]), {B, d.NH})});
  }
  if (has_logits) state.next_logits = read(std::string(kNextLogits), {B, 1, d.V});
  const auto [names, arrays] = arrays_of(state);
  check_bytes(source, arrays, where);
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    check_finite(ErrorKind::kFormat, where, names[i], arrays[i]);
  }
  return state;
}

ModelState load_state(const std::filesystem::path& file, const Model& model) {
  return read_state(*open_safetensors(file),
                    {large_dims(model.plan()), model.fingerprint(), model.description()},
                    file.string());
}

}  // namespace xlstm
