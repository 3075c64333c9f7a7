// An NPZ archive written piece by piece, for tensors that are made one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/base/atomic_file.h"
#include "xlstm/weights/safetensors_writer.h"

namespace xlstm {

// numpy.load() reads it; bfloat16 is there as '|V2', as ml_dtypes writes it. Members are stored, in
// 64 bits where they need it. The file appears whole, with commit(), or not at all.
class NpzWriter {
 public:
  // `config`, a model's as JSON, and `metadata` become the members config.json and metadata.json,
  // where they are not empty. Throws Error: kFile when the disk refuses, kUsage for a name given
  // twice, taken by those two, not UTF-8 or that would leave the folder, and an impossible shape.
  NpzWriter(const std::filesystem::path& file, std::vector<TensorHeader> tensors,
            const std::map<std::string, std::string>& metadata, std::string_view config);

  // The next bytes, in the tensors' order. Throws Error(kFile).
  void write(std::span<const std::byte> bytes);

  // Writes the archive's end; nothing more may be written. Returns the file that it lies in until
  // commit(), to be read before it. Throws Error: kFile, or kInternal when there were fewer bytes
  // than the tensors have.
  std::filesystem::path finish();

  // finish(), where that is not done yet, and gives the file its name. Throws Error as finish().
  void commit();

 private:
  struct Member {
    std::string name;
    std::uint64_t start = 0, bytes = 0;
    std::uint32_t checksum = 0;
    bool wide = false;  // sizes of 64 bits
  };

  void check_names() const;
  void write_raw(std::span<const std::byte> bytes);
  void write_raw(std::string_view text);
  void write_member(std::string name, std::string_view content);
  void begin_member(std::string name, std::uint64_t bytes);
  void write_content(std::span<const std::byte> bytes);
  void end_member();
  void begin_tensors();  // up to the next that has bytes to come
  void write_directory();

  AtomicFile file_;
  std::string where_;
  std::vector<TensorHeader> tensors_;
  std::size_t next_ = 0;    // of tensors_
  std::uint64_t left_ = 0;  // bytes of the tensor before `next_`
  std::uint64_t at_ = 0;    // bytes written
  bool finished_ = false;
  std::vector<Member> members_;
};

}  // namespace xlstm
