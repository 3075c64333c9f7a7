// Python pickles that say what a torch file holds. Nothing is executed: a pickle is a list of
// instructions for a stack of values, and of those that call functions the few that put tensors
// together are known here by name. https://docs.python.org/3/library/pickletools.html
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "xlstm/base/dtype.h"
#include "xlstm/base/json_fwd.h"
#include "xlstm/base/shape.h"

namespace xlstm {

struct PickleValue;
using PickleItems = std::vector<const PickleValue*>;

struct PickleNone {};
struct PickleSequence {  // a list or a tuple
  PickleItems items;
};
struct PickleDict {
  std::vector<std::pair<const PickleValue*, const PickleValue*>> items;

  const PickleValue* find(std::string_view key) const;  // the last of that name, null: none
};
struct PickleGlobal {  // "collections.OrderedDict": a name, never what it names
  std::string_view name;
};
struct PickleStorage {
  DType dtype = DType::kF32;
  std::string key;          // of the archive's member
  std::uint64_t count = 0;  // elements
};
struct PickleTensor {
  const PickleStorage* storage = nullptr;
  std::uint64_t start = 0;  // element of the storage
  Shape shape;
  std::vector<std::int64_t> strides;  // elements
};

struct PickleValue {
  std::variant<PickleNone, bool, std::int64_t, double, std::string, PickleSequence, PickleDict,
               PickleGlobal, PickleStorage, PickleTensor>
      is;

  const PickleDict* dict() const { return std::get_if<PickleDict>(&is); }
  const PickleTensor* tensor() const { return std::get_if<PickleTensor>(&is); }
};

struct Pickle {
  std::deque<PickleValue> values;  // own each other's items
  const PickleValue* root = nullptr;
};

// Reads protocols 2 to 5. `where` names the pickle in errors. Throws Error(kFormat), with the byte
// at which it stands, for malformed bytes, for instructions that no tensor dictionary needs, and
// for functions and classes that are not known here, by their names, and for more than 256 MB of
// values, with all that were made on the way.
Pickle read_pickle(std::string_view bytes, std::string_view where);

// A value of plain Python types as JSON: tuples are arrays, keys that are numbers become text, what
// JSON has no form of (tensors, infinities) is null. Throws Error(kFormat) where it is too deep or
// too large.
Json plain_json(const PickleValue& value, std::string_view where);

}  // namespace xlstm
