// A lock of a file, as Python's filelock takes it: flock(), so that it goes with its process.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

namespace xlstm {

class FileLock {
 public:
  // Waits until nobody else has it; `wait` is called again and again meanwhile, may wait itself,
  // and may throw. Throws Error(kFile). Where the file system has no such locks there is none: it
  // only saves work, and what is written is right without it.
  FileLock(const std::filesystem::path& path, const std::function<void()>& wait);
  // Only if nobody has it.
  static std::optional<FileLock> try_lock(const std::filesystem::path& path);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace xlstm
