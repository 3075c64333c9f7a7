#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "xlstm/base/error.h"
#include "xlstm/weights/npz.h"

namespace xlstm {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct NumpyType {
  std::string_view name;
  DType dtype;
};
constexpr std::array<NumpyType, 14> kTypes = {{{"b1", DType::kBool},
                                               {"u1", DType::kU8},
                                               {"i1", DType::kI8},
                                               {"u2", DType::kU16},
                                               {"i2", DType::kI16},
                                               {"u4", DType::kU32},
                                               {"i4", DType::kI32},
                                               {"u8", DType::kU64},
                                               {"i8", DType::kI64},
                                               {"f2", DType::kF16},
                                               {"f4", DType::kF32},
                                               {"f8", DType::kF64},
                                               {"V2", DType::kBF16},
                                               {"bfloat16", DType::kBF16}}};

// A Python literal {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, read as such and
// never run.
class HeaderText {
 public:
  HeaderText(std::string_view text, std::string_view where) : text_(text), where_(where) {}

  NpyHeader take() {
    NpyHeader out;
    bool has_type = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = read_text();
      expect(':');
      bool& seen = key == "descr" ? has_type : key == "shape" ? has_shape : has_order;
      if (key == "descr") {
        out.dtype = read_type();
      } else if (key == "shape") {
        out.shape = read_shape();
      } else if (key == "fortran_order") {
        out.columns_first = read_bool();
      } else {
        wanted("the keys descr, fortran_order and shape", quoted(key));
      }
      if (seen) wanted("each key once", quoted(key) + " again");
      seen = true;
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ < text_.size()) wanted("nothing behind the header's dictionary", rest());
    if (!has_type || !has_order || !has_shape) {
      wanted("the keys descr, fortran_order and shape", "not all of them");
    }
    return out;
  }

 private:
  [[noreturn]] void wanted(std::string_view wanted, std::string_view got,
                           ErrorKind kind = ErrorKind::kFormat) const {
    fail_wanted(kind, str(where_, ", header of the array"), wanted, got);
  }
  std::string rest() const {
    return at_ < text_.size() ? quoted(text_.substr(at_, 40)) : "the header's end";
  }

  void skip_space() { at_ = std::min(text_.find_first_not_of(" \n\t", at_), text_.size()); }
  bool accept(char wanted) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char what) {
    if (!accept(what)) wanted(str('\'', what, '\''), rest());
  }
  bool accept_word(std::string_view word) {
    skip_space();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  std::string read_text() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') wanted("a text in quotes", rest());
    const std::size_t end = text_.find(quote, at_ + 1);
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    if (end == std::string_view::npos || inside.find('\\') != std::string_view::npos) {
      wanted("a text in quotes", rest());
    }
    at_ = end + 1;
    return std::string(inside);
  }

  bool read_bool() {
    if (accept_word("True")) return true;
    if (accept_word("False")) return false;
    wanted("True or False", rest());
  }

  DType read_type() {
    skip_space();
    if (at_ < text_.size() && text_[at_] == '[') {
      wanted("an array of numbers", "one of records", ErrorKind::kModel);
    }
    const std::string text = read_text();
    const bool marked = text.find_first_of("<>|=") == 0;
    const std::string_view name = std::string_view(text).substr(marked ? 1 : 0);
    for (const NumpyType& type : kTypes) {
      if (name != type.name) continue;
      if (text.front() == '>' && size_of(type.dtype) > 1) {
        wanted("little-endian numbers (in Python: array.astype(array.dtype.newbyteorder('<')))",
               quoted(text), ErrorKind::kModel);
      }
      return type.dtype;
    }
    wanted("numbers: b1, u1 to u8, i1 to i8, f2, f4, f8 or bfloat16 (V2)",
           name.starts_with("O") ? str(quoted(text), ", Python objects, which only a pickle holds")
                                 : quoted(text),
           ErrorKind::kModel);
  }

  std::int64_t read_length() {
    skip_space();
    std::int64_t value = 0;
    const std::size_t start = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      if (__builtin_mul_overflow(value, std::int64_t{10}, &value) ||
          __builtin_add_overflow(value, std::int64_t{text_[at_] - '0'}, &value)) {
        wanted("lengths below 2^63", quoted(text_.substr(start, 40)));
      }
    }
    if (at_ == start) wanted("a whole number from 0 on", rest());
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // as Python 2 wrote them
    return value;
  }

  Shape read_shape() {
    constexpr std::size_t kMostAxes = 8;
    Shape shape;
    expect('(');
    while (!accept(')')) {
      shape.push_back(read_length());
      if (shape.size() > kMostAxes) wanted(str("at most ", kMostAxes, " axes"), "more");
      if (accept(',')) continue;
      expect(')');
      break;
    }
    return shape;
  }

  std::string_view text_;
  std::string_view where_;
  std::size_t at_ = 0;
};

}  // namespace

std::uint64_t npy_header_bytes(std::span<const std::byte> start, std::string_view where) {
  const std::string_view bytes(reinterpret_cast<const char*>(start.data()), start.size());
  constexpr std::size_t kVersionAt = 6, kLengthAt = 8;
  constexpr std::uint32_t kMost = 65536;
  if (!bytes.starts_with(kMagic) || bytes.size() < kNpyStartBytes) {
    fail_wanted(ErrorKind::kFormat, where, "an array of NumPy's format (.npy)",
                quoted(bytes.substr(0, kLengthAt)));
  }
  const int major = static_cast<unsigned char>(bytes[kVersionAt]);
  if (major < 1 || major > 3) {
    fail_wanted(ErrorKind::kModel, where, "version 1 to 3 of NumPy's format", str(major));
  }
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  std::uint32_t length = 0;
  std::memcpy(&length, start.data() + kLengthAt, length_bytes);
  if (length > kMost) {
    fail_wanted(ErrorKind::kFormat, where, str("a header of at most ", kMost, " bytes"),
                str(length));
  }
  return kLengthAt + length_bytes + length;
}

NpyHeader parse_npy(std::span<const std::byte> start, std::string_view where) {
  const std::uint64_t header = npy_header_bytes(start, where);
  if (header > start.size()) {
    fail_wanted(ErrorKind::kFormat, where, str("a header of ", header, " bytes"),
                str(start.size(), ", the member's end"));
  }
  const std::size_t before = start[6] == std::byte{1} ? 10 : 12;
  const std::string_view bytes(reinterpret_cast<const char*>(start.data()), start.size());
  NpyHeader out =
      HeaderText(bytes.substr(before, static_cast<std::size_t>(header) - before), where).take();
  out.header_bytes = header;
  return out;
}

}  // namespace xlstm
