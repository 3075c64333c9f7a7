// A deflated run of bytes in a file, unpacked from its start on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "xlstm/base/input_file.h"

namespace xlstm {

class Inflate {
 public:
  // Of `packed_bytes` at `offset`, which become `bytes` with this CRC-32. `where` names them in
  // errors; `file` must outlive this.
  Inflate(const InputFile& file, std::uint64_t offset, std::uint64_t packed_bytes,
          std::uint64_t bytes, std::uint32_t checksum, std::string where);
  ~Inflate();

  std::uint64_t position() const;  // how many bytes were unpacked

  // Unpacks the next; no more than are left. At the end they must be all that there are, and fit
  // the checksum. Throws Error: kFormat, kFile.
  void next(std::span<std::byte> to);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xlstm
