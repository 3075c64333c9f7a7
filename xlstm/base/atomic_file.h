// Files that appear whole or not at all.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace xlstm {

// Writes to a temporary file beside `path`; commit() syncs it and renames it to `path`. Without
// commit (an exception, say) the temporary file is removed and `path` stays as it was. Two writers
// of one path do not meet: the later commit wins, whole.
// A file that is there already keeps its permissions, and its group where the system lets us. A
// symbolic link stays one: what it leads to is replaced. Folders, devices, pipes, names of open
// descriptors (/dev/stdout, /dev/fd/1, all in /proc) and files that may not be written are refused.
// Every call throws Error(kFile), with the system's reason, when the disk refuses; after that, and
// after commit(), the object is closed, and writing to it throws Error(kInternal).
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void commit();

  // The file that what is written lies in until commit(), to be read before it.
  const std::filesystem::path& temporary() const { return temporary_; }

 private:
  void create(unsigned mode);
  void take_permissions_of(const struct stat& old);
  void check_open() const;
  void close_descriptor();
  void discard() noexcept;
  [[noreturn]] void give_up(std::string_view action);

  std::filesystem::path path_;       // links followed
  std::filesystem::path temporary_;  // empty: none left to remove
  int descriptor_ = -1;
};

}  // namespace xlstm
