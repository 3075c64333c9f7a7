// parse_json: the library's event parser, which does not recurse, feeding a builder that counts.
#include <algorithm>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/lfs_pointer.h"
#include "xlstm/base/utf8.h"

namespace xlstm {
namespace {

// "line 3, column 14", both from 1, columns in bytes.
std::string place(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return str("line ", line, ", column ", before.size() - line_start + 1);
}

// The reason alone from the library's message, which repeats the place and the text it read.
std::string reason_in(std::string message) {
  if (const auto cut = message.find("; last read: "); cut != std::string::npos) message.resize(cut);
  const auto colon = message.find(": ");
  return utf8_repaired(colon == std::string::npos ? message : message.substr(colon + 2));
}

// Takes the parser's events; the method names are the library's.
class Builder {
 public:
  Builder(std::string_view text, std::string_view where, const JsonLimits& limits)
      : text_(text), where_(where), limits_(limits) {}

  Json take_root() { return std::move(root_); }

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(Json::number_integer_t value) { return add(value); }
  bool number_unsigned(Json::number_unsigned_t value) { return add(value); }
  bool number_float(Json::number_float_t value, const Json::string_t&) { return add(value); }
  bool string(Json::string_t& value) { return add(std::move(value)); }
  bool binary(Json::binary_t&) { return false; }  // no JSON text has it

  bool start_object(std::size_t) { return open(Json::object()); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(Json::string_t& name) {
    auto& object = open_.back()->get_ref<Json::object_t&>();
    const auto [place_of_it, is_new] = object.emplace(name, nullptr);
    if (!is_new) fail(ErrorKind::kFormat, where_, str("key ", quoted(name), " is given twice"));
    member_ = &place_of_it->second;
    return true;
  }

  template <typename Exception>
  bool parse_error(std::size_t position, const std::string& token, const Exception& exception) {
    // The position is one past the byte that is wrong.
    fail(ErrorKind::kFormat, where_,
         str("malformed JSON at ", place(text_, position == 0 ? 0 : position - 1), ": ",
             reason_in(exception.what()), "; last read: ", quoted(token)));
  }

 private:
  // Puts a value where it belongs and says where that is.
  Json& put(Json&& value) {
    if (++values_ > limits_.max_values) {
      fail_wanted(ErrorKind::kFormat, where_, str("at most ", limits_.max_values, " JSON values"),
                  "more");
    }
    if (open_.empty()) return root_ = std::move(value);
    if (open_.back()->is_object()) return *member_ = std::move(value);
    auto& array = open_.back()->get_ref<Json::array_t&>();
    return array.emplace_back(std::move(value));
  }

  bool add(Json&& value) {
    put(std::move(value));
    return true;
  }

  bool open(Json&& container) {
    if (open_.size() >= limits_.max_depth) {
      fail_wanted(ErrorKind::kFormat, where_,
                  str("JSON nested at most ", limits_.max_depth, " deep"), "deeper nesting");
    }
    open_.push_back(&put(std::move(container)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_, where_;
  JsonLimits limits_;
  Json root_;
  std::vector<Json*> open_;  // from the root inward; an array grows only when it is the last
  Json* member_ = nullptr;   // where the next value of the object goes
  std::size_t values_ = 0;
};

// What the library would let pass or not explain.
void check_bytes(std::string_view text, std::string_view where) {
  const auto refuse = [&](std::string_view what, std::size_t offset) {
    fail_wanted(ErrorKind::kFormat, where, "JSON in UTF-8", str(what, place(text, offset)));
  };
  const std::size_t error = utf8_first_error(text);
  if (error != std::string_view::npos) refuse("a malformed byte at ", error);
  const std::size_t zero = text.find('\0');  // the library takes it for the end
  if (zero != std::string_view::npos) refuse("a zero byte at ", zero);
}

}  // namespace

Json parse_json(std::string_view text, std::string_view where, const JsonLimits& limits) {
  refuse_lfs_pointer(text, where);
  check_bytes(text, where);
  Builder builder(text, where, limits);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    fail(ErrorKind::kInternal, where, "JSON parsing stopped without a reason");
  }
  return builder.take_root();
}

}  // namespace xlstm
