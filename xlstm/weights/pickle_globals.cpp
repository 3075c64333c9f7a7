#include "xlstm/weights/pickle_globals.h"

#include <algorithm>
#include <array>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

constexpr std::string_view kOrderedDict = "collections.OrderedDict";
constexpr std::string_view kSize = "torch.Size";
constexpr std::string_view kTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kParameter = "torch._utils._rebuild_parameter";

constexpr std::size_t kMostAxes = 8;
constexpr std::size_t kLongestKey = 256;  // bytes

struct StorageType {
  std::string_view name;
  DType dtype;
};
constexpr std::array<StorageType, 10> kStorages = {{{"torch.FloatStorage", DType::kF32},
                                                    {"torch.BFloat16Storage", DType::kBF16},
                                                    {"torch.HalfStorage", DType::kF16},
                                                    {"torch.DoubleStorage", DType::kF64},
                                                    {"torch.LongStorage", DType::kI64},
                                                    {"torch.IntStorage", DType::kI32},
                                                    {"torch.ShortStorage", DType::kI16},
                                                    {"torch.CharStorage", DType::kI8},
                                                    {"torch.ByteStorage", DType::kU8},
                                                    {"torch.BoolStorage", DType::kBool}}};
// Types that stand among hyper-parameters.
constexpr std::array<std::string_view, 4> kTypes = {"torch.float32", "torch.float16",
                                                    "torch.bfloat16", "torch.float64"};

const PickleSequence* sequence(const PickleValue& value) {
  return std::get_if<PickleSequence>(&value.is);
}

std::optional<std::int64_t> count_of(const PickleValue& value) {
  const auto* number = std::get_if<std::int64_t>(&value.is);
  return number != nullptr && *number >= 0 ? std::optional(*number) : std::nullopt;
}

// Numbers from 0 on, as many as axes may be.
std::optional<std::vector<std::int64_t>> counts_of(const PickleValue& value) {
  const PickleSequence* list = sequence(value);
  if (list == nullptr || list->items.size() > kMostAxes) return std::nullopt;
  std::vector<std::int64_t> out;
  for (const PickleValue* item : list->items) {
    const auto count = count_of(*item);
    if (!count) return std::nullopt;
    out.push_back(*count);
  }
  return out;
}

PickleCall refused(std::string wanted, std::string got) {
  return {std::nullopt, std::move(wanted), std::move(got)};
}

// OrderedDict(), OrderedDict([(key, value), ...])
PickleCall make_dict(const PickleItems& arguments) {
  constexpr std::size_t kMostPairs = 1024;  // longer ones are filled item by item: these are copies
  PickleDict out;
  const PickleSequence* pairs = arguments.size() == 1 ? sequence(*arguments[0]) : nullptr;
  if (!arguments.empty() && pairs == nullptr) {
    return refused("OrderedDict of nothing or of a list of pairs", "something else");
  }
  if (pairs != nullptr && pairs->items.size() > kMostPairs) {
    return refused(str("OrderedDict of at most ", kMostPairs, " pairs"), str(pairs->items.size()));
  }
  for (const PickleValue* item : pairs ? pairs->items : PickleItems{}) {
    const PickleSequence* pair = sequence(*item);
    if (pair == nullptr || pair->items.size() != 2) {
      return refused("OrderedDict of pairs", "something else in its list");
    }
    out.items.emplace_back(pair->items[0], pair->items[1]);
  }
  return {PickleValue{std::move(out)}, {}, {}};
}

// (storage, start, shape, strides, requires_grad, hooks[, metadata])
PickleCall make_tensor(const PickleItems& arguments) {
  constexpr std::size_t kLeast = 4;
  const std::string wanted = str("a storage, a start, a shape of at most ", kMostAxes,
                                 " axes and as many strides for a tensor");
  if (arguments.size() < kLeast) return refused(wanted, str(arguments.size(), " arguments"));
  PickleTensor out;
  out.storage = std::get_if<PickleStorage>(&arguments[0]->is);
  const auto start = count_of(*arguments[1]);
  auto shape = counts_of(*arguments[2]), strides = counts_of(*arguments[3]);
  if (out.storage == nullptr || !start || !shape || !strides || shape->size() != strides->size()) {
    return refused(wanted, "something else");
  }
  out.start = static_cast<std::uint64_t>(*start);
  out.shape = std::move(*shape);
  out.strides = std::move(*strides);
  return {PickleValue{std::move(out)}, {}, {}};
}

}  // namespace

std::string_view known_global(std::string_view name) {
  for (const std::string_view known : {kOrderedDict, kSize, kTensor, kParameter}) {
    if (name == known) return known;
  }
  for (const StorageType& storage : kStorages) {
    if (name == storage.name) return storage.name;
  }
  const auto type = std::ranges::find(kTypes, name);
  return type == kTypes.end() ? std::string_view() : *type;
}

PickleCall call_global(const PickleGlobal& global, const PickleItems& arguments) {
  if (global.name == kOrderedDict) return make_dict(arguments);
  if (global.name == kTensor) return make_tensor(arguments);
  if (global.name == kParameter) {  // (tensor, requires_grad, hooks)
    if (!arguments.empty() && arguments[0]->tensor() != nullptr) return {*arguments[0], {}, {}};
    return refused("a parameter of a tensor", "one of something else");
  }
  if (global.name == kSize && arguments.size() == 1 && counts_of(*arguments[0])) {
    return {*arguments[0], {}, {}};
  }
  return refused("a call that puts a tensor, a size or a dictionary together",
                 str("one of ", global.name));
}

PickleCall storage_of(const PickleValue& id) {
  constexpr const char* wanted = "('storage', its type, the name of a member, a device, a count)";
  const PickleSequence* parts = sequence(id);
  if (parts == nullptr || parts->items.size() != 5) return refused(wanted, "something else");
  const auto* kind = std::get_if<std::string>(&parts->items[0]->is);
  const auto* type = std::get_if<PickleGlobal>(&parts->items[1]->is);
  const auto* key = std::get_if<std::string>(&parts->items[2]->is);
  const auto count = count_of(*parts->items[4]);
  if (kind == nullptr || *kind != "storage" || type == nullptr || key == nullptr || !count ||
      key->size() > kLongestKey) {
    return refused(wanted, "something else");
  }
  const auto storage = std::ranges::find(kStorages, type->name, &StorageType::name);
  if (storage == kStorages.end()) return refused("a storage's type", std::string(type->name));
  return {
      PickleValue{PickleStorage{storage->dtype, *key, static_cast<std::uint64_t>(*count)}}, {}, {}};
}

}  // namespace xlstm
