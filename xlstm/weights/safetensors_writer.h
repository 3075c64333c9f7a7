// A safetensors file written piece by piece, for tensors that are made one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "xlstm/base/atomic_file.h"
#include "xlstm/base/dtype.h"
#include "xlstm/base/shape.h"

namespace xlstm {

// A tensor that is to come.
struct TensorHeader {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;

  std::uint64_t bytes() const;  // 0 if the shape is none
};

// The file appears whole, with commit(), or not at all.
class SafetensorsWriter {
 public:
  // Writes the header. Throws Error: kFile when the disk refuses, kUsage for a name given twice,
  // an impossible shape, text that is not UTF-8, or more names than a header can hold.
  SafetensorsWriter(const std::filesystem::path& file, const std::vector<TensorHeader>& tensors,
                    const std::map<std::string, std::string>& metadata);

  // The next bytes, in the tensors' order. Throws Error(kFile).
  void write(std::span<const std::byte> bytes);

  // Throws Error: kFile, or kInternal when there were fewer or more bytes than the tensors have.
  void commit();

 private:
  AtomicFile file_;
  std::string where_;
  std::uint64_t left_ = 0;
};

}  // namespace xlstm
