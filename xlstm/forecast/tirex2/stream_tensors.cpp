#include "xlstm/forecast/tirex2/stream_tensors.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/forecast/checks.h"

namespace xlstm::tirex2 {
namespace {

using Numbers = StreamContents::Numbers;

constexpr const char* kTargets = "targets";
constexpr const char* kPast = "past";
constexpr const char* kRows = "rows";
constexpr const char* kPatch = "patch";
constexpr const char* kOutput = "output";

// Columns of "rows".
enum Field : std::size_t {
  kLoc,
  kScale,
  kIsBinary,
  kIsTarget,
  kIsDifference,
  kLast,
  kPrevious,
  kFields
};

Numbers stacked(std::span<const Values> rows) {
  Numbers out{{std::ssize(rows), rows.empty() ? 0 : std::ssize(rows.front())}, {}};
  for (const Values& row : rows) out.values.insert(out.values.end(), row.begin(), row.end());
  return out;
}

// Rows without values take no bytes of the file, which is why it does not limit their number.
std::vector<Values> unstacked(const Numbers& numbers) {
  const auto width = static_cast<std::ptrdiff_t>(numbers.shape[1]);
  std::vector<Values> out;
  for (auto at = numbers.values.begin(); std::ssize(out) < numbers.shape[0]; at += width) {
    out.emplace_back(at, at + width);
  }
  return out;
}

std::string state_name(std::size_t row, const StateTensor& tensor) {
  return str("row.", row, ".", tensor.name);
}

class Reader {
 public:
  Reader(const StreamContents& contents, const std::filesystem::path& file)
      : contents_(contents), file_(file) {}

  bool has(const std::string& name) const { return contents_.tensors.contains(name); }

  // Of each row so many values (-1: any number), none infinite.
  std::vector<Values> take_rows(const std::string& name, const Shape& wanted) {
    const Numbers& numbers = take(name, wanted);
    if (numbers.shape[0] > static_cast<std::int64_t>(kMostRows)) {
      refuse(str(name, " of at most ", kMostRows, " rows"), str(numbers.shape[0]));
    }
    if (std::ranges::any_of(numbers.values, [](float x) { return std::isinf(x); })) {
      refuse(str(name, " of finite values, or NaN for missing ones"), "an infinite one");
    }
    return unstacked(numbers);
  }

  // A tensor of this shape; -1: any length.
  const Numbers& take(const std::string& name, const Shape& wanted) {
    const auto found = contents_.tensors.find(name);
    if (found == contents_.tensors.end()) refuse(str("a tensor ", name), "none");
    const Shape& shape = found->second.shape;
    const bool fits = std::ranges::equal(
        shape, wanted, [](std::int64_t got, std::int64_t want) { return want < 0 || got == want; });
    if (!fits) refuse(str(name, " ", to_string(wanted)), to_string(shape));
    ++taken_;
    return found->second;
  }

  void end() const {
    if (taken_ == contents_.tensors.size()) return;
    refuse(str(taken_, " tensors"), str(contents_.tensors.size()));
  }

  [[noreturn]] void refuse(const std::string& wanted, const std::string& got) const {
    fail_wanted(ErrorKind::kFormat, file_.string(), wanted, got);
  }

 private:
  const StreamContents& contents_;
  const std::filesystem::path& file_;
  std::size_t taken_ = 0;
};

// Targets come first, and there is one.
FollowedRow row_of(const Values& fields, bool may_be_target, Reader& reader) {
  FollowedRow out;
  const auto flag = [&](Field field) {
    if (fields[field] != 0 && fields[field] != 1) reader.refuse("flags", str(fields[field]));
    return fields[field] == 1;
  };
  out.row.scale = {fields[kLoc], fields[kScale], flag(kIsBinary)};
  out.row.is_target = flag(kIsTarget);
  out.row.is_difference = flag(kIsDifference);
  out.row.last = fields[kLast];
  out.previous = fields[kPrevious];
  if (std::isnan(out.row.scale.loc) || !(out.row.scale.scale > 0) || std::isnan(out.row.last)) {
    reader.refuse("rows with a place, a scale above 0 and a last value",
                  str(out.row.scale.loc, ", ", out.row.scale.scale, ", ", out.row.last));
  }
  if (out.row.is_target && !may_be_target) reader.refuse("targets first", "one behind a covariate");
  if (out.row.is_difference && !out.row.is_target) {
    reader.refuse("a covariate that is read as it is", "one by its differences");
  }
  return out;
}

State state_of(std::size_t row, std::uint64_t tokens, const LoadedPlan& model, Reader& reader) {
  State state;
  for (const Layer& layer : model.plan.layers) {
    for (const StateTensor& tensor : layer.state) {
      const Numbers& numbers = reader.take(state_name(row, tensor), tensor.shape);
      if (!std::ranges::all_of(numbers.values, [](float x) { return std::isfinite(x); })) {
        reader.refuse("a state of finite numbers", state_name(row, tensor));
      }
      state.tensors.push_back(model.backend->floats(TensorShape(tensor.shape), numbers.values));
    }
  }
  state.position = tokens;
  return state;
}

}  // namespace

void put_window(const Series& window, StreamContents& contents) {
  contents.tensors[kTargets] = stacked(window.targets);
  if (!window.past.empty()) contents.tensors[kPast] = stacked(window.past);
}

std::optional<Series> take_window(const StreamContents& contents, const SeriesSpec& spec,
                                  const std::filesystem::path& file) {
  Reader reader(contents, file);
  if (!reader.has(kTargets)) return std::nullopt;
  const auto length = static_cast<std::int64_t>(
      std::min(contents.position, static_cast<std::uint64_t>(spec.context)));
  Series out;
  out.targets = reader.take_rows(kTargets, {-1, length});
  if (out.targets.empty()) reader.refuse("a target", "none");
  if (reader.has(kPast)) out.past = reader.take_rows(kPast, {-1, length});
  reader.end();
  return out;
}

void put_rows(std::span<const FollowedRow> rows, const LoadedPlan& model,
              StreamContents& contents) {
  std::vector<Values> fields, patches, outputs;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const Row& row = rows[r].row;
    Values own(kFields);
    own[kLoc] = row.scale.loc;
    own[kScale] = row.scale.scale;
    own[kIsBinary] = row.scale.is_binary ? 1 : 0;
    own[kIsTarget] = row.is_target ? 1 : 0;
    own[kIsDifference] = row.is_difference ? 1 : 0;
    own[kLast] = row.last;
    own[kPrevious] = rows[r].previous;
    fields.push_back(own);
    patches.push_back(row.values);
    if (row.is_target) outputs.push_back(rows[r].output);
    std::size_t at = 0;
    for (const Layer& layer : model.plan.layers) {
      for (const StateTensor& tensor : layer.state) {
        const auto values = model.backend->read_floats(rows[r].state.tensors.at(at++));
        contents.tensors[state_name(r, tensor)] = {tensor.shape, {values.begin(), values.end()}};
      }
    }
  }
  contents.tensors[kRows] = stacked(fields);
  contents.tensors[kPatch] = stacked(patches);
  contents.tensors[kOutput] = stacked(outputs);
}

std::vector<FollowedRow> take_rows(const StreamContents& contents, const SeriesSpec& spec,
                                   const LoadedPlan& model, const std::filesystem::path& file) {
  Reader reader(contents, file);
  const std::vector<Values> fields = reader.take_rows(kRows, {-1, kFields});
  const std::vector<Values> patches = reader.take_rows(kPatch, {std::ssize(fields), -1});
  const std::uint64_t waiting = patches.empty() ? 0 : patches.front().size();
  if (waiting >= static_cast<std::uint64_t>(spec.P)) {
    reader.refuse(str("fewer than ", spec.P, " values"), str(waiting));
  }
  const std::uint64_t least = static_cast<std::uint64_t>(spec.context) + waiting;
  if (contents.position < least) {
    reader.refuse(str("a position from ", least, " on"), str(contents.position));
  }
  std::vector<FollowedRow> out;
  std::int64_t targets = 0;
  for (std::size_t r = 0; r < fields.size(); ++r) {
    out.push_back(row_of(fields[r], targets == static_cast<std::int64_t>(r), reader));
    targets += out.back().row.is_target ? 1 : 0;
    out.back().row.values = patches[r];
    out.back().state = state_of(r, tokens_of(contents.position, waiting, spec.P), model, reader);
  }
  if (targets == 0) reader.refuse("a target", "none");
  const auto Q = std::ssize(spec.quantiles);
  const std::vector<Values> outputs = reader.take_rows(kOutput, {targets, Q * spec.P});
  for (const Values& output : outputs) {
    if (first_not_finite(output.data(), output.size()) == output.size()) continue;
    reader.refuse("output of finite numbers", "others");
  }
  for (std::size_t r = 0; r < outputs.size(); ++r) out[r].output = outputs[r];
  reader.end();
  return out;
}

}  // namespace xlstm::tirex2
