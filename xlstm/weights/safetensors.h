// The safetensors format: u64 little-endian header length, JSON header, tensor bytes.
// (https://github.com/huggingface/safetensors, "Format")
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "xlstm/weights/tensor_source.h"

namespace xlstm {

inline constexpr std::uint64_t kMostSafetensorsHeaderBytes = 100'000'000;  // the format's own limit

// Opens one file, which stays open. Checks every length, offset, overlap, hole, dtype, shape
// product, duplicate name, header size and nesting before returning. Throws Error: kFile when it
// cannot be read, kFormat when its bytes are wrong, kModel for a dtype of the format that we do not
// have.
std::unique_ptr<TensorSource> open_safetensors(const std::filesystem::path& file);

// What the header of a file of `file_bytes` says, checked as above; `start` are the file's first
// bytes, up to the header's end at least. `file` names it in errors.
struct SafetensorsHeader {
  struct Entry {
    TensorInfo info;
    std::uint64_t offset = 0;  // from the start of the file
  };
  std::vector<Entry> entries;  // sorted by name
  std::map<std::string, std::string> metadata;
};
SafetensorsHeader parse_safetensors(std::span<const std::byte> start, std::uint64_t file_bytes,
                                    const std::filesystem::path& file);

// One tensor to write; `bytes` are little-endian, row-major.
struct TensorToWrite {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  std::span<const std::byte> bytes;
};

// Writes a file whole or not at all (AtomicFile), tensors in the order given. Throws Error: kFile
// when the disk refuses, kUsage for a name given twice, bytes that do not fit a shape, text that is
// not UTF-8, or more names than a header can hold.
void write_safetensors(const std::filesystem::path& file, const std::vector<TensorToWrite>& tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace xlstm
