#include "xlstm/model/state_file.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/base/hash.h"
#include "xlstm/base/utf8.h"
#include "xlstm/group/share.h"
#include "xlstm/group/together.h"
#include "xlstm/group/told.h"
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

Shape with_one_row(Shape shape) {
  shape.insert(shape.begin(), 1);
  return shape;
}

std::size_t bytes_of(const Shape& shape) {
  return static_cast<std::size_t>(element_count(shape).value_or(0)) * sizeof(float);
}

// "-nan in blocks.0.C, element 3"; empty where all numbers are finite.
std::string not_finite(const std::string& name, std::span<const std::byte> bytes) {
  const std::span<const float> values(reinterpret_cast<const float*>(bytes.data()),
                                      bytes.size() / sizeof(float));
  const std::size_t at = first_not_finite(values.data(), values.size());
  return at == values.size() ? "" : str(values[at], " in ", name, ", element ", at);
}

[[noreturn]] void fail_not_finite(ErrorKind kind, const std::string& file, const std::string& got) {
  fail_wanted(kind, file, "a state of finite numbers", got);
}

// The rows of all ranks, one after the other.
std::vector<std::byte> gathered(const StateTensor& part, std::span<const std::byte> own,
                                Group& group) {
  std::vector<std::byte> whole(bytes_of(part.whole_shape()));
  const std::size_t row = whole.size() / static_cast<std::size_t>(part.whole_rows);
  std::vector<std::size_t> sizes;
  std::size_t end = 0;
  for (const Share& rows :
       group.gather(Share{part.first_row, part.first_row + part.shape.front()})) {
    if (static_cast<std::size_t>(rows.begin) * row != end) {
      fail_wanted(ErrorKind::kInternal, part.name, "rows of all ranks in their order",
                  str("some from row ", rows.begin));
    }
    sizes.push_back(static_cast<std::size_t>(rows.size()) * row);
    end += sizes.back();
  }
  group.gather(own, sizes, whole);
  return whole;
}

// A whole state as its file holds it, in the order in which it is hashed and written: each tensor
// with a first axis of one sequence.
struct FileTensors {
  std::vector<std::vector<std::byte>> gathered;  // what some of these are spans of
  std::vector<TensorToWrite> tensors;
};

// Of a divided model all ranks come together, and rank 0 has the whole.
FileTensors tensors_of(const State& state, const Plan& plan, Backend& backend) {
  FileTensors out;
  std::size_t index = 0;
  for (const Layer& layer : plan.layers) {
    for (const StateTensor& declared : layer.state) {
      std::span<const std::byte> bytes = backend.read(state.tensors.at(index++));
      if (declared.is_part()) {
        std::vector<std::byte> whole = gathered(declared, bytes, *backend.group());
        if (!backend.group()->leads()) continue;
        bytes = out.gathered.emplace_back(std::move(whole));
      }
      out.tensors.push_back(
          {declared.name, DType::kF32, with_one_row(declared.whole_shape()), bytes});
    }
  }
  if (state.next_logits) {
    out.tensors.push_back(
        {std::string(kNextLogits), DType::kF32, {1, 1, plan.V}, backend.read(state.next_logits)});
  }
  return out;
}

// Of all tensors' bytes, in order: a bit that flipped on a disk must not pass for what was read.
std::string hash_of(const std::vector<TensorToWrite>& tensors) {
  Hash hash;
  for (const TensorToWrite& each : tensors) hash.add(each.bytes);
  return std::to_string(hash.value());
}

// What a file has for one sequence, or a rank's part of it.
class StateReader {
 public:
  StateReader(const TensorSource& source, Backend& backend, const std::string& file)
      : source_(source), backend_(backend), file_(file) {}

  Tensor read(const StateTensor& declared) {
    const std::size_t index = find(declared.name, with_one_row(declared.whole_shape()));
    Tensor tensor = backend_.allocate(TensorShape(declared.shape), DType::kF32, file_);
    if (!declared.is_part()) {
      source_.read(index, 0, backend_.writable(tensor));
      look_at(declared.name, backend_.read(tensor));
      return tensor;
    }
    // Whole, too: the file's hash is.
    whole_.resize(bytes_of(declared.whole_shape()));
    source_.read(index, 0, whole_);
    look_at(declared.name, whole_);
    const std::size_t row = whole_.size() / static_cast<std::size_t>(declared.whole_rows);
    std::ranges::copy(
        std::span(whole_).subspan(static_cast<std::size_t>(declared.first_row) * row,
                                  static_cast<std::size_t>(declared.shape.front()) * row),
        backend_.writable(tensor).begin());
    return tensor;
  }

  Tensor read_logits(std::int64_t V) {
    const std::string name(kNextLogits);
    const std::size_t index = find(name, {1, 1, V});
    Tensor tensor = backend_.allocate({V}, DType::kF32, file_);
    source_.read(index, 0, backend_.writable(tensor));
    look_at(name, backend_.read(tensor));
    return tensor;
  }

  // All that was read. A state that is not finite stays so whatever is read: nobody shall look for
  // the fault in weights.
  void check() const {
    if (metadata_of(source_, "hash", file_) != std::to_string(hash_.value())) {
      fail_wanted(ErrorKind::kFormat, file_, "the bytes that were saved",
                  "others: the file is damaged");
    }
    if (!not_finite_.empty()) fail_not_finite(ErrorKind::kFormat, file_, not_finite_);
  }

 private:
  std::size_t find(const std::string& name, const Shape& shape) const {
    const std::size_t index = source_.find(name);
    if (index == TensorSource::npos) {
      fail_wanted(ErrorKind::kFormat, file_, str("tensor ", name), "none");
    }
    const TensorInfo& info = source_.tensors()[index];
    if (info.shape != shape || info.dtype != DType::kF32) {
      fail_wanted(ErrorKind::kFormat, file_, str(name, " F32 ", to_string(shape)),
                  str(name_of(info.dtype), " ", to_string(info.shape)));
    }
    return index;
  }

  void look_at(const std::string& name, std::span<const std::byte> bytes) {
    hash_.add(bytes);
    if (not_finite_.empty()) not_finite_ = not_finite(name, bytes);
  }

  const TensorSource& source_;
  Backend& backend_;
  const std::string& file_;
  Hash hash_;
  std::string not_finite_;        // the first
  std::vector<std::byte> whole_;  // of a tensor of which this rank has a part
};

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

// Of positions, hash and model, in one number.
std::uint64_t hash_of(const std::map<std::string, std::string>& metadata) {
  Hash hash;
  for (const auto& [key, text] : metadata) {
    hash.add(key);
    hash.add(text);
  }
  return hash.value();
}

// One may have been put in another's place meanwhile, or ranks may look into folders of their own.
void check_same(Group& group, std::uint64_t seen, const std::string& file) {
  const std::vector<std::uint64_t> all = group.gather(seen);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all.front()) continue;
    fail_wanted(ErrorKind::kFile, file, "the same state for all ranks",
                str("another for rank ", rank));
  }
}

// What this rank has in whole.
void write(const std::filesystem::path& file, std::uint64_t position, const FileTensors& whole,
           const Model& model, const std::string& fingerprint) {
  if (position == 0 && has_read_something(file)) {
    fail_wanted(ErrorKind::kUsage, file.string(),
                "a state that has read something, as the one that is there has", "an empty one");
  }
  for (const TensorToWrite& each : whole.tensors) {
    const std::string got = not_finite(each.name, each.bytes);
    if (!got.empty()) fail_not_finite(ErrorKind::kModel, file.string(), got);
  }
  std::map<std::string, std::string> metadata = {{"format", std::string(kFormat)},
                                                 {"hash", hash_of(whole.tensors)},
                                                 {"model", fingerprint},
                                                 {"positions", str(position)}};
  for (const auto& [key, text] : model.description()) {
    metadata.emplace("model_" + key, utf8_repaired(text));
  }
  write_safetensors(file, whole.tensors, metadata);
}

}  // namespace

void save_state(const std::filesystem::path& file, const State& state, const Model& model) {
  Group* const group = model.backend().group();
  const std::string fingerprint = model.fingerprint();  // all ranks', or nobody's
  const FileTensors whole =
      told_to_others(group, [&] { return tensors_of(state, model.plan(), model.backend()); });
  together(group, [&] {
    if (group == nullptr || group->leads()) write(file, state.position, whole, model, fingerprint);
  });
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
  StateReader reader(source, backend, where);
  for (const Layer& layer : owner.plan.layers) {
    for (const StateTensor& declared : layer.state) state.tensors.push_back(reader.read(declared));
  }
  if (has_logits) state.next_logits = reader.read_logits(owner.plan.V);
  reader.check();
  return state;
}

State load_state(const std::filesystem::path& file, const Model& model) {
  Group* const group = model.backend().group();
  std::unique_ptr<TensorSource> source;
  together(group, [&] { source = open_safetensors(file); });
  const std::string fingerprint = model.fingerprint();
  State state;
  std::uint64_t seen = 0;
  together(group, [&] {
    state = read_state(*source, {model.plan(), fingerprint, model.description()}, model.backend(),
                       file.string());
    seen = hash_of(source->metadata());
  });
  if (group != nullptr) check_same(*group, seen, file.string());
  return state;
}

}  // namespace xlstm
