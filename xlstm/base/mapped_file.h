// A file's bytes, read-only, mapped into memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace xlstm {

// Bytes are read when they are touched. A file that another program cuts short meanwhile ends this
// process with SIGBUS, as for every mapping; files replaced by rename (AtomicFile) are safe.
class MappedFile {
 public:
  // Throws Error(kFile) when `path` is no readable regular file.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  // The same bytes as characters; nobody has checked that they are UTF-8.
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  const std::filesystem::path& path() const { return path_; }

  // Tells the kernel that the whole pages inside `part` (a part of bytes()) will not be needed
  // soon: they stop counting as resident and are read again when touched.
  void release(std::span<const std::byte> part) const;

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace xlstm
