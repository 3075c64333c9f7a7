// Files that appear whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace xlstm {

// Writes to a temporary file beside `path`; commit() syncs it and renames it to `path`. Without
// commit (an exception, say) the temporary file is removed and `path` stays as it was. Two writers
// of one path do not meet: the later commit wins, whole.
// Every call throws Error(kFile), with the system's reason, when the disk refuses.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void commit();

 private:
  [[noreturn]] void fail_here(std::string_view action) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

}  // namespace xlstm
