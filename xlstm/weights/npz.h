// NumPy's archives of arrays: a ZIP with a member NAME.npy for each.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "xlstm/base/dtype.h"
#include "xlstm/base/shape.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/weights/zip_archive.h"

namespace xlstm {

// The header of an array's file.
struct NpyHeader {
  DType dtype = DType::kF32;
  Shape shape;
  bool columns_first = false;      // Fortran's order
  std::uint64_t header_bytes = 0;  // the data begins behind them
};

// How many bytes the header takes in all, of an array's first kNpyStartBytes bytes. Throws Error as
// below.
inline constexpr std::uint64_t kNpyStartBytes = 12;
std::uint64_t npy_header_bytes(std::span<const std::byte> start, std::string_view where);

// What the header says that `start` begins with. bfloat16 is '|V2', as ml_dtypes writes it, or
// 'bfloat16'. Throws Error: kFormat; kModel for numbers that are big-endian or complex, text,
// records and objects (pickles).
NpyHeader parse_npy(std::span<const std::byte> start, std::string_view where);

// The arrays of the archive, under their names without ".npy". config() is the member config.json,
// metadata() that of metadata.json, both as NpzWriter
// writes them; other members are an error.
// Throws Error: kFile, kFormat, kModel as above.
std::unique_ptr<TensorSource> open_npz(std::unique_ptr<ZipArchive> archive);

}  // namespace xlstm
