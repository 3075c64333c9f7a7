// ZIP archives, as NPZ and torch files are, read in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/base/input_file.h"
#include "xlstm/weights/inflate.h"
#include "xlstm/weights/zip_directory.h"

namespace xlstm {

// An archive that stays open; its directory is checked whole before anything is read.
class ZipArchive {
 public:
  // Throws Error as read_zip_directory() does.
  explicit ZipArchive(const std::filesystem::path& file);

  const std::filesystem::path& path() const { return file_.path(); }
  const std::vector<ZipMember>& members() const { return members_; }  // sorted by name
  std::size_t find(std::string_view name) const;                      // npos: none
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);

  // Fills `to` with a member's bytes from `offset` on; both within the member. A stored one is read
  // where it lies, its checksum left alone (check() is for that).
  // A deflated one is unpacked from its start, or from where the last call ended, so that going
  // through it costs its length; its checksum is compared at its end. Throws Error: kFile, or
  // kFormat where packed bytes are wrong. Thread-safe.
  void read(std::size_t member, std::uint64_t offset, std::span<std::byte> to) const;

  // Compares a member's bytes with its checksum. One of 0 is taken for none, as torch can be told
  // to make none. Throws Error(kFormat).
  void check(std::size_t member) const;

  // All of a member. Throws Error(kFormat) also for more than `most` bytes.
  std::string text(std::size_t member, std::uint64_t most) const;

  // Names a member in errors: "file, member name".
  std::string where(std::size_t member) const;

 private:
  void unpack(std::size_t member, std::uint64_t offset, std::span<std::byte> to) const;

  InputFile file_;
  std::vector<ZipMember> members_;
  mutable std::mutex mutex_;  // guards the two below
  mutable std::unique_ptr<Inflate> unpacking_;
  mutable std::size_t unpacking_member_ = npos;
};

}  // namespace xlstm
