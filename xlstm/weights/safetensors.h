// The safetensors format: u64 header length, JSON header, tensor bytes.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "xlstm/weights/tensor_source.h"

namespace xlstm {

// Opens one file, memory-mapped. Checks every length, offset, overlap, hole, dtype, shape product,
// duplicate name, header size (at most 100 MB) and nesting before returning.
std::unique_ptr<TensorSource> open_safetensors(const std::filesystem::path& file);

// What a header parsed from `bytes` (a whole file) says; the part of the reader that fuzzing
// drives.
struct SafetensorsHeader {
  struct Entry {
    TensorInfo info;
    std::uint64_t offset = 0;  // from the start of the file
  };
  std::vector<Entry> entries;  // sorted by name
  std::map<std::string, std::string> metadata;
};
SafetensorsHeader parse_safetensors(std::span<const std::byte> bytes,
                                    const std::filesystem::path& file);

// One tensor to write; `bytes` are little-endian, row-major.
struct TensorToWrite {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  std::span<const std::byte> bytes;
};

// Writes a file whole or not at all (AtomicFile), tensors in the order given. Throws Error: kFile
// when the disk refuses, kUsage for a name given twice, bytes that do not fit a shape, text not
// UTF-8.
void write_safetensors(const std::filesystem::path& file, const std::vector<TensorToWrite>& tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace xlstm
