// Pickles and torch files written instruction by instruction.
#pragma once

#include <bit>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/zip_bytes.h"
#include "xlstm/base/error.h"

namespace xlstm::pickled {

inline std::string text(std::string_view value) {
  return "X" + little_endian(value.size(), 4) + std::string(value);
}
inline std::string number(std::int64_t value) {
  return "J" + little_endian(static_cast<std::uint64_t>(value), 4);
}
inline std::string real(double value) {
  std::string bytes = little_endian(std::bit_cast<std::uint64_t>(value), 8);
  return "G" + std::string(bytes.rbegin(), bytes.rend());
}
inline std::string global(std::string_view module, std::string_view name) {
  return str("c", module, "\n", name, "\n");
}
inline std::string tuple(const std::vector<std::string>& items) {
  std::string out = "(";
  for (const std::string& item : items) out += item;
  return out + "t";
}
inline std::string numbers(const std::vector<std::int64_t>& values) {
  std::vector<std::string> items;
  for (const std::int64_t value : values) items.push_back(number(value));
  return tuple(items);
}
inline std::string call(const std::string& function, const std::vector<std::string>& arguments) {
  return function + tuple(arguments) + "R";
}
// Keys and values alternate.
inline std::string dict(const std::vector<std::string>& items) {
  std::string out = "}(";
  for (const std::string& item : items) out += item;
  return out + "u";
}
inline std::string storage(std::string_view type, std::string_view key, std::int64_t count) {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"), number(count)}) +
         "Q";
}
inline std::string tensor(const std::string& of, std::int64_t start,
                          const std::vector<std::int64_t>& shape,
                          const std::vector<std::int64_t>& strides) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {of, number(start), numbers(shape), numbers(strides), "\x89",
               call(global("collections", "OrderedDict"), {})});
}
inline std::string file(const std::string& value) {
  return "\x80\x02" + value + ".";
}

// A torch file of this pickle and these members data/0, data/1, ...
inline std::string torch_zip(const std::string& pickle, const std::vector<std::string>& storages) {
  std::vector<RawMember> members = {RawMember::stored("m/data.pkl", pickle),
                                    RawMember::stored("m/byteorder", "little"),
                                    RawMember::stored("m/version", "3\n")};
  for (std::size_t i = 0; i < storages.size(); ++i) {
    members.push_back(RawMember::stored(str("m/data/", i), storages[i]));
  }
  return raw_zip(members);
}

}  // namespace xlstm::pickled
