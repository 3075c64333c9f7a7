#include "xlstm/weights/pickle.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <variant>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/utf8.h"
#include "xlstm/weights/pickle_globals.h"
#include "xlstm/weights/pickle_opcodes.h"

namespace xlstm {
namespace {

// Of all that a pickle makes, also what it drops again: a few bytes can name a large value often.
constexpr std::size_t kMostMemory = 256'000'000;  // bytes

struct BytesHeld {
  std::size_t operator()(const std::string& text) const { return text.size(); }
  std::size_t operator()(const PickleSequence& list) const {
    return list.items.size() * sizeof(list.items[0]);
  }
  std::size_t operator()(const PickleDict& dict) const {
    return dict.items.size() * sizeof(dict.items[0]);
  }
  std::size_t operator()(const PickleStorage& storage) const { return storage.key.size(); }
  std::size_t operator()(const PickleTensor& tensor) const {
    return (tensor.shape.size() + tensor.strides.size()) * sizeof(std::int64_t);
  }
  template <typename Small>
  std::size_t operator()(const Small&) const {
    return 0;
  }
};

class Reader {
 public:
  Reader(std::string_view bytes, std::string_view where) : bytes_(bytes), where_(where) {}

  Pickle take() {
    while (!done_) {
      start_ = at_;
      step(static_cast<Opcode>(byte()));
    }
    return std::move(out_);
  }

 private:
  [[noreturn]] void wanted(std::string_view wanted, std::string_view got) const {
    fail_wanted(ErrorKind::kFormat, str(where_, ", byte ", start_), wanted, got);
  }

  // --- bytes ---

  std::string_view take_bytes(std::uint64_t count) {
    if (count > bytes_.size() - at_) {
      wanted(str(count, " bytes of ", name_of(opcode_)),
             str(bytes_.size() - at_, ", the pickle's end"));
    }
    const std::string_view out = bytes_.substr(at_, static_cast<std::size_t>(count));
    at_ += out.size();
    return out;
  }
  std::uint8_t byte() { return static_cast<std::uint8_t>(take_bytes(1)[0]); }
  std::uint64_t number(std::size_t size) {  // little-endian
    std::uint64_t out = 0;
    const std::string_view from = take_bytes(size);
    for (std::size_t i = size; i-- > 0;) out = out << 8 | static_cast<std::uint8_t>(from[i]);
    return out;
  }
  std::string_view line() {
    const std::size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) wanted("a line of text", "the pickle's end");
    const std::string_view out = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return out;
  }

  // --- the stack ---

  // Before the memory is taken, or with what one value can hold taken already.
  void charge(std::size_t bytes) {
    if (bytes > kMostMemory - used_) {
      wanted(str("values of at most ", kMostMemory, " bytes in all"), "more");
    }
    used_ += bytes;
  }

  void push(decltype(PickleValue::is) value) {
    charge(sizeof(PickleValue) + std::visit(BytesHeld(), value));
    out_.values.push_back({std::move(value)});
    push_again(&out_.values.back());
  }
  void push_again(PickleValue* value) {
    charge(sizeof(value));
    stack_.push_back(value);
  }
  void push_mark() {
    charge(sizeof(stack_.size()));
    marks_.push_back(stack_.size());
  }
  PickleValue* pop() {
    if (stack_.empty() || (!marks_.empty() && stack_.size() == marks_.back())) {
      wanted(str("a value for ", name_of(opcode_)), "an empty stack");
    }
    PickleValue* const top = stack_.back();
    stack_.pop_back();
    return top;
  }
  PickleValue* top() {
    PickleValue* const value = pop();
    stack_.push_back(value);
    return value;
  }
  // All above the last mark, which goes.
  PickleItems pop_to_mark() {
    if (marks_.empty()) wanted(str("a mark for ", name_of(opcode_)), "none");
    const auto from = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    PickleItems out(from, stack_.end());
    stack_.erase(from, stack_.end());
    marks_.pop_back();
    return out;
  }
  PickleItems pop_some(std::size_t count) {
    PickleItems out(count);
    for (std::size_t i = count; i-- > 0;) out[i] = pop();
    return out;
  }

  // --- the instructions ---

  void step(Opcode opcode) {
    opcode_ = opcode;
    switch (opcode) {
      case Opcode::kProto:
        return check_protocol();
      case Opcode::kFrame:
        return void(number(8));
      case Opcode::kStop:
        return stop();
      case Opcode::kMark:
        return push_mark();
      case Opcode::kPop:
        return void(pop());
      case Opcode::kPopMark:
        return void(pop_to_mark());
      case Opcode::kDup:
        return push_again(top());
      case Opcode::kNone:
        return push(PickleNone{});
      case Opcode::kNewTrue:
        return push(true);
      case Opcode::kNewFalse:
        return push(false);
      case Opcode::kBinInt:
        return push(std::int64_t{static_cast<std::int32_t>(number(4))});
      case Opcode::kBinInt1:
        return push(static_cast<std::int64_t>(number(1)));
      case Opcode::kBinInt2:
        return push(static_cast<std::int64_t>(number(2)));
      case Opcode::kLong1:
        return push_long(number(1));
      case Opcode::kLong4:
        return push_long(number(4));
      case Opcode::kBinFloat:
        return push_float();
      case Opcode::kShortBinUnicode:
        return push_text(number(1));
      case Opcode::kBinUnicode:
        return push_text(number(4));
      case Opcode::kBinUnicode8:
        return push_text(number(8));
      case Opcode::kEmptyList:
      case Opcode::kEmptyTuple:
        return push(PickleSequence{});
      case Opcode::kTuple:
        return push(PickleSequence{pop_to_mark()});
      case Opcode::kTuple1:
        return push(PickleSequence{pop_some(1)});
      case Opcode::kTuple2:
        return push(PickleSequence{pop_some(2)});
      case Opcode::kTuple3:
        return push(PickleSequence{pop_some(3)});
      case Opcode::kAppend:
        return append(pop_some(1));
      case Opcode::kAppends:
        return append(pop_to_mark());
      case Opcode::kEmptyDict:
        return push(PickleDict{});
      case Opcode::kSetItem:
        return set_items(pop_some(2));
      case Opcode::kSetItems:
        return set_items(pop_to_mark());
      case Opcode::kBinPut:
        return put(number(1));
      case Opcode::kLongBinPut:
        return put(number(4));
      case Opcode::kMemoize:
        return put(memo_.size());
      case Opcode::kBinGet:
        return get(number(1));
      case Opcode::kLongBinGet:
        return get(number(4));
      case Opcode::kGlobal:
        return push_global();
      case Opcode::kStackGlobal:
        return push_stack_global();
      case Opcode::kReduce:
        return reduce();
      case Opcode::kBuild:
        return build();
      case Opcode::kBinPersId:
        return push_result(storage_of(*pop()));
    }
    wanted("an instruction of a tensor dictionary", name_of(opcode));
  }

  void check_protocol() {
    const std::uint8_t protocol = byte();
    if (protocol < 2 || protocol > 5) wanted("a pickle of protocol 2 to 5", str(protocol));
  }

  void stop() {
    out_.root = pop();
    if (!stack_.empty()) wanted("one value left at the end", str(stack_.size() + 1));
    done_ = true;
  }

  void push_long(std::uint64_t size) {
    if (size > 8) wanted("a whole number of at most 64 bits", str(8 * size, " bits"));
    const std::uint64_t bits = number(static_cast<std::size_t>(size));
    const unsigned unused = 64 - 8 * static_cast<unsigned>(size);
    push(size == 0 ? std::int64_t{0} : static_cast<std::int64_t>(bits << unused) >> unused);
  }

  void push_float() {  // big-endian
    std::uint64_t bits = 0;
    for (const char each : take_bytes(8)) bits = bits << 8 | static_cast<std::uint8_t>(each);
    push(std::bit_cast<double>(bits));
  }

  void push_text(std::uint64_t size) {
    const std::string_view text = take_bytes(size);
    if (utf8_first_error(text) != std::string_view::npos) wanted("text in UTF-8", quoted(text));
    push(std::string(text));
  }

  void append(const PickleItems& items) {
    auto* list = std::get_if<PickleSequence>(&top()->is);
    if (list == nullptr) wanted("a list to append to", "something else");
    charge(items.size() * sizeof(items[0]));
    list->items.insert(list->items.end(), items.begin(), items.end());
  }

  void set_items(const PickleItems& items) {
    auto* dict = std::get_if<PickleDict>(&top()->is);
    if (dict == nullptr) wanted("a dictionary to set items of", "something else");
    if (items.size() % 2 != 0) wanted("keys with a value each", str(items.size(), " of both"));
    charge(items.size() * sizeof(items[0]));
    for (std::size_t i = 0; i < items.size(); i += 2) {
      dict->items.emplace_back(items[i], items[i + 1]);
    }
  }

  void put(std::uint64_t number) {
    constexpr std::size_t kEntry = 64;  // bytes, some, of a hash table's
    PickleValue* const value = top();
    if (!memo_.contains(number)) charge(kEntry);
    memo_[number] = value;
  }
  void get(std::uint64_t number) {
    const auto found = memo_.find(number);
    if (found == memo_.end()) wanted("a value that was remembered", str("number ", number));
    push_again(found->second);
  }

  void push_global() {
    const std::string_view module = line();
    push_named(str(module, ".", line()));
  }
  void push_stack_global() {
    const PickleItems names = pop_some(2);
    const auto* module = std::get_if<std::string>(&names[0]->is);
    const auto* name = std::get_if<std::string>(&names[1]->is);
    if (module == nullptr || name == nullptr) wanted("two names", "something else");
    push_named(str(*module, ".", *name));
  }
  void push_named(const std::string& name) {
    const std::string_view known = known_global(name);
    if (known.empty()) {
      wanted("only what tensors and plain values are made of (nothing is executed)",
             str("the name ", quoted(name)));
    }
    push(PickleGlobal{known});
  }

  void reduce() {
    const PickleValue* const arguments = pop();
    const auto* list = std::get_if<PickleSequence>(&arguments->is);
    const auto* global = std::get_if<PickleGlobal>(&pop()->is);
    if (global == nullptr || list == nullptr) wanted("a function and its arguments", "others");
    push_result(call_global(*global, list->items));
  }

  // The attributes of a dictionary, as `_metadata` of a state dict, are none of its items.
  void build() {
    pop();
    if (top()->dict() == nullptr) wanted("a dictionary to set attributes of", "something else");
  }

  void push_result(PickleCall call) {
    if (!call.value) wanted(call.wanted, call.got);
    push(std::move(call.value->is));
  }

  std::string_view bytes_;
  std::string_view where_;
  std::size_t at_ = 0, start_ = 0;  // bytes; start_ of the instruction
  Opcode opcode_ = Opcode::kProto;
  bool done_ = false;
  std::size_t used_ = 0;  // bytes of memory
  std::vector<PickleValue*> stack_;
  std::vector<std::size_t> marks_;  // how many values the stack had
  std::unordered_map<std::uint64_t, PickleValue*> memo_;
  Pickle out_;
};

// Values may be items of many others, and of themselves: depth and number are counted here.
class JsonMaker {
 public:
  explicit JsonMaker(std::string_view where) : where_(where) {}

  Json make(const PickleValue& value, std::size_t depth = 0) {
    constexpr std::size_t kDeepest = 64, kMost = 1'000'000;
    if (depth > kDeepest || ++made_ > kMost) {
      fail_wanted(ErrorKind::kFormat, where_,
                  str("plain values of at most ", kDeepest, " levels and ", kMost, " in all"),
                  "more");
    }
    if (const auto* flag = std::get_if<bool>(&value.is)) return *flag;
    if (const auto* number = std::get_if<std::int64_t>(&value.is)) {
      return *number < 0 ? Json(*number) : Json(static_cast<std::uint64_t>(*number));
    }
    if (const auto* number = std::get_if<double>(&value.is)) {
      return std::isfinite(*number) ? Json(*number) : Json(nullptr);
    }
    if (const auto* text = std::get_if<std::string>(&value.is)) {
      made_ += text->size() / 16;
      return *text;
    }
    if (const auto* global = std::get_if<PickleGlobal>(&value.is)) return std::string(global->name);
    if (const auto* list = std::get_if<PickleSequence>(&value.is)) return array(*list, depth);
    if (const PickleDict* dict = value.dict()) return object(*dict, depth);
    return nullptr;
  }

 private:
  Json array(const PickleSequence& list, std::size_t depth) {
    Json out = Json::array();
    for (const PickleValue* item : list.items) out.push_back(make(*item, depth + 1));
    return out;
  }
  Json object(const PickleDict& dict, std::size_t depth) {
    Json out = Json::object();
    for (const auto& [key, value] : dict.items) {
      const Json name = make(*key, depth + 1);
      if (name.is_structured()) continue;  // no key of a setting
      out[name.is_string() ? name.get<std::string>() : name.dump()] = make(*value, depth + 1);
    }
    return out;
  }

  std::string_view where_;
  std::size_t made_ = 0;
};

}  // namespace

const PickleValue* PickleDict::find(std::string_view key) const {
  for (std::size_t i = items.size(); i-- > 0;) {
    const auto* text = std::get_if<std::string>(&items[i].first->is);
    if (text != nullptr && *text == key) return items[i].second;
  }
  return nullptr;
}

Pickle read_pickle(std::string_view bytes, std::string_view where) {
  return Reader(bytes, where).take();
}

Json plain_json(const PickleValue& value, std::string_view where) {
  return JsonMaker(where).make(value);
}

}  // namespace xlstm
