#include "xlstm/python/arrays.h"

#include <nanobind/ndarray.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/python/bind.h"
#include "xlstm/python/mlx_arrays.h"

namespace xlstm::python {
namespace {

namespace nb = nanobind;
using AnyArray = nb::ndarray<nb::ro>;

constexpr std::string_view kWantedIds = "token ids: integers, [S] or [B, S]";

[[noreturn]] void refuse(std::string_view where, std::string_view wanted, std::string_view got) {
  fail_wanted(ErrorKind::kUsage, where, wanted, got);
}

std::string type_of(nb::handle given) {
  return Py_TYPE(given.ptr())->tp_name;
}

template <typename Wide>
std::int32_t to_id(Wide value, std::string_view where) {
  if (std::in_range<std::int32_t>(value)) return static_cast<std::int32_t>(value);
  refuse(where, "token ids of 32 bits", str(value));
}

std::int32_t id_of(nb::handle given, std::string_view where) {
  const nb::object whole = nb::steal(PyNumber_Index(given.ptr()));
  if (!whole.is_valid()) {
    PyErr_Clear();
    refuse(where, kWantedIds, "a " + type_of(given));
  }
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(whole.ptr(), &overflow);
  if (overflow != 0) refuse(where, "token ids of 32 bits", nb::str(whole).c_str());
  return to_id(value, where);
}

std::string shape_text(const AnyArray& array) {
  std::string text;
  for (std::size_t axis = 0; axis < array.ndim(); ++axis) {
    text += str(axis == 0 ? "" : ", ", array.shape(axis));
  }
  return str("an array [", text, "]");
}

// The rows and columns of an array [S] or [B, S]: an IdBlock still without its ids.
IdBlock block_of(const AnyArray& array, std::string_view where, std::string_view wanted) {
  const std::size_t axes = array.ndim();
  if (axes != 1 && axes != 2) refuse(where, wanted, shape_text(array));
  if (array.device_type() != nb::device::cpu::value) {
    refuse(where, "an array in the host's memory", "one on another device");
  }
  IdBlock block;
  block.is_flat = axes == 1;
  block.B = axes == 1 ? 1 : array.shape(0);
  block.S = array.shape(axes - 1);
  return block;
}

template <typename Element, typename Take>
void for_each(const AnyArray& array, const IdBlock& block, const Take& take) {
  const auto* data = static_cast<const Element*>(array.data());
  const std::int64_t row = block.is_flat ? 0 : array.stride(0);
  const std::int64_t step = array.stride(array.ndim() - 1);
  for (std::size_t b = 0; b < block.B; ++b) {
    for (std::size_t s = 0; s < block.S; ++s) {
      take(data[static_cast<std::int64_t>(b) * row + static_cast<std::int64_t>(s) * step]);
    }
  }
}

IdBlock block_of_ids(const AnyArray& array, std::string_view where) {
  IdBlock block = block_of(array, where, kWantedIds);
  block.ids.reserve(block.B * block.S);
  const auto take = [&](auto value) { block.ids.push_back(to_id(value, where)); };
  const nb::dlpack::dtype type = array.dtype();
  const auto is = [&](auto example) { return type == nb::dtype<decltype(example)>(); };
  if (is(std::int64_t())) {
    for_each<std::int64_t>(array, block, take);
  } else if (is(std::int32_t())) {
    for_each<std::int32_t>(array, block, take);
  } else if (is(std::int16_t())) {
    for_each<std::int16_t>(array, block, take);
  } else if (is(std::int8_t())) {
    for_each<std::int8_t>(array, block, take);
  } else if (is(std::uint64_t())) {
    for_each<std::uint64_t>(array, block, take);
  } else if (is(std::uint32_t())) {
    for_each<std::uint32_t>(array, block, take);
  } else if (is(std::uint16_t())) {
    for_each<std::uint16_t>(array, block, take);
  } else if (is(std::uint8_t())) {
    for_each<std::uint8_t>(array, block, take);
  } else {
    refuse(where, kWantedIds, "an array of another type");
  }
  return block;
}

std::optional<AnyArray> array_of(nb::handle given) {
  const nb::object readable = host_view(given);
  AnyArray array;
  if (!nb::ndarray_check(readable) || !nb::try_cast(readable, array, false)) return std::nullopt;
  return array;
}

// A text is no sequence of ids, and its bytes no array of them.
void refuse_text(nb::handle given, std::string_view where) {
  PyObject* object = given.ptr();
  if (!PyUnicode_Check(object) && !PyBytes_Check(object) && !PyByteArray_Check(object)) return;
  refuse(where, kWantedIds, str("a text (", type_of(given), ")"));
}

// The ids of an array [S], or of a sequence of integers and nothing else.
std::vector<std::int32_t> row_of(nb::handle given, std::string_view where) {
  refuse_text(given, where);
  if (const std::optional<AnyArray> array = array_of(given)) {
    if (array->ndim() != 1) refuse(where, kWantedIds, str("a row that is ", shape_text(*array)));
    return block_of_ids(*array, where).ids;
  }
  if (!nb::hasattr(given, "__iter__")) refuse(where, kWantedIds, "a " + type_of(given));
  std::vector<std::int32_t> ids;
  for (const nb::handle id : nb::iter(given)) ids.push_back(id_of(id, where));
  return ids;
}

bool is_list_of_lists(nb::handle given) {
  if (!PySequence_Check(given.ptr()) || nb::len(given) == 0) return false;
  const nb::object first = given[0];
  return PySequence_Check(first.ptr()) && !nb::isinstance<nb::str>(first);
}

}  // namespace

IdBlock id_block(nb::handle given, std::string_view where) {
  refuse_text(given, where);
  if (const std::optional<AnyArray> array = array_of(given)) return block_of_ids(*array, where);
  IdBlock block;
  if (!is_list_of_lists(given)) {
    block.ids = row_of(given, where);
    block.S = block.ids.size();
    return block;
  }
  block.is_flat = false;
  block.B = 0;
  for (const nb::handle row : nb::iter(given)) {
    const std::vector<std::int32_t> ids = row_of(row, where);
    if (block.B > 0 && ids.size() != block.S) {
      refuse(where, str("rows of one length, here ", block.S), str("one of ", ids.size()));
    }
    block.S = ids.size();
    ++block.B;
    block.ids.insert(block.ids.end(), ids.begin(), ids.end());
  }
  return block;
}

std::vector<std::int32_t> ids_of(nb::handle given, std::string_view where) {
  IdBlock block = id_block(given, where);
  if (block.B != 1) refuse(where, "the ids of one sequence", str("those of ", block.B));
  return std::move(block.ids);
}

FloatArray numpy_floats(const std::vector<std::size_t>& shape) {
  std::size_t size = 1;
  for (const std::size_t length : shape) size *= length;
  auto* kept = new std::vector<float>(size);
  const nb::capsule owner(kept,
                          [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
  return {nb::cast(nb::ndarray<nb::numpy, float>(kept->data(), shape.size(), shape.data(), owner)),
          *kept};
}

nb::object numpy_of(std::vector<float> values, const std::vector<std::size_t>& shape) {
  auto* kept = new std::vector<float>(std::move(values));
  const nb::capsule owner(kept,
                          [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
  return nb::cast(nb::ndarray<nb::numpy, float>(kept->data(), shape.size(), shape.data(), owner));
}

nb::object numpy_copy(std::span<const float> values) {
  return numpy_of({values.begin(), values.end()}, {values.size()});
}

nb::object numpy_copy(std::span<const std::int32_t> values) {
  using Ids = std::vector<std::int32_t>;
  auto* kept = new Ids(values.begin(), values.end());
  const nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<Ids*>(p); });
  return nb::cast(nb::ndarray<nb::numpy, std::int32_t>(kept->data(), {kept->size()}, owner));
}

void copy_floats(nb::handle from, std::span<float> to, std::string_view where) {
  const std::string wanted = str("an array of floats [", to.size(), "]");
  const std::optional<AnyArray> array = array_of(from);
  if (!array) refuse(where, wanted, "a " + type_of(from));
  const IdBlock shape = block_of(*array, where, wanted);
  if (shape.B != 1 || shape.S != to.size()) refuse(where, wanted, shape_text(*array));
  std::size_t at = 0;
  const auto take = [&](auto value) { to[at++] = static_cast<float>(value); };
  if (array->dtype() == nb::dtype<float>()) {
    for_each<float>(*array, shape, take);
  } else if (array->dtype() == nb::dtype<double>()) {
    for_each<double>(*array, shape, take);
  } else {
    refuse(where, wanted, "an array of another type");
  }
}

void bind_arrays(nb::module_& m) {
  m.def(
      "ids_of", [](nb::handle given) { return numpy_copy(ids_of(given, "ids")); },
      nb::arg("ids").none());
  bind_mlx_arrays(m);
}

}  // namespace xlstm::python
