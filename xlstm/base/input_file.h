// Files that are read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace xlstm {

// A regular file, open for reading in pieces into memory of ours. Not mapped: a file that is cut
// short meanwhile, or a disk that fails, is then an Error and not a signal. It stays the file that
// was opened when another takes its name (AtomicFile).
class InputFile {
 public:
  // Throws Error(kFile) when `path` is no readable regular file.
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&& other) noexcept;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  std::uint64_t size() const { return size_; }  // in bytes, when it was opened
  const std::filesystem::path& path() const { return path_; }

  // Fills `to` with the bytes from `offset` on. Throws Error(kFile), naming the file, where there
  // are fewer and where the system cannot read them. Thread-safe.
  void read(std::uint64_t offset, std::span<std::byte> to) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

inline constexpr std::uint64_t kMostTextBytes = 500'000'000;  // the largest tokenizers have 40 MB

// All of a file; nobody has checked that it is UTF-8. Throws Error: kFile as above, kFormat for
// more than `most` bytes.
std::string whole_file(const std::filesystem::path& path, std::uint64_t most = kMostTextBytes);

}  // namespace xlstm
