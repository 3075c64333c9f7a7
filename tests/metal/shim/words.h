// Words of the language: integers, places in the text, threadgroup arrays.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "runtime.h"

using uchar = unsigned char;
using ushort = unsigned short;
using uint = unsigned int;
using ulong = unsigned long;

// The caller's place: MSL_HERE as the last parameter, MSL_SITE("name") in the function. Each part
// has to be a default argument by itself, or it is the place of the declaration.
#if defined(__clang__)
#define MSL_HERE \
  const char *file = __builtin_FILE(), int line = __builtin_LINE(), int column = __builtin_COLUMN()
#define MSL_SITE(op) (::msl::Site{op, file, line, column})
#else
#define MSL_HERE const void* here = __builtin_source_location()
#define MSL_SITE(op) (::msl::site_at(op, here))

// The members that g++ looks for, without the standard library's header, which brings much else
// along.
namespace std {
struct source_location {
  struct __impl {
    const char* _M_file_name;
    const char* _M_function_name;
    unsigned _M_line, _M_column;
  };
};
}  // namespace std
namespace msl {
__attribute__((no_sanitize("thread"))) inline Site site_at(const char* op, const void* here) {
  const auto* const place = static_cast<const std::source_location::__impl*>(here);
  return {op, place->_M_file_name, int(place->_M_line), int(place->_M_column)};
}
}  // namespace msl
#endif

// Code of the shim that reads the emulator's memory: nothing of it is an access of the kernel.
#define MSL_QUIET __attribute__((noinline, no_sanitize("thread"), no_sanitize("undefined")))
// Code of the shim that reads the kernel's memory: its accesses belong to the line that calls it.
#define METAL_FUNC inline __attribute__((always_inline))

namespace msl {

static const Runtime* runtime =
    nullptr;  // of this library alone: an inline variable would be all kernels'

template <typename T>
struct remove_array {
  using type = T;
};
template <typename T, size_t N>
struct remove_array<T[N]> : remove_array<T> {};
// Bytes of what two threads may write side by side.
template <typename T>
struct cell_of {
  static constexpr unsigned value = alignof(T) < 4 ? alignof(T) : 4;
};
template <typename T>
MSL_QUIET T* threadgroup_array(const Site& site) {
  constexpr unsigned cell = cell_of<typename remove_array<T>::type>::value;
  return static_cast<T*>(runtime->threadgroup_array(runtime->self, site, sizeof(T), cell));
}

extern "C" MSL_QUIET void msl_begin(const Runtime* emulator) {
  runtime = emulator;
}

}  // namespace msl

#define MSL_TG(name, dims, ...)         \
  typedef __VA_ARGS__ name##_type dims; \
  name##_type& name = *::msl::threadgroup_array<name##_type>({#name, __FILE__, __LINE__, 0})
