#include "xlstm/weights/archive_source.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <set>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"

namespace xlstm {
namespace {

constexpr std::uint64_t kMostUnpacked = 1'000'000'000;  // bytes, in memory

// A deflated member whose elements are wanted in another order than they lie in: unpacked whole,
// as only its start is a place to begin at.
class UnpackedMember {
 public:
  using Bytes = std::shared_ptr<const std::vector<std::byte>>;

  Bytes get(const ZipArchive& archive, std::size_t member) {
    const std::lock_guard lock(mutex_);
    if (bytes_ != nullptr && member_ == member) return bytes_;
    bytes_ = nullptr;
    auto bytes = std::make_shared<std::vector<std::byte>>(
        static_cast<std::size_t>(archive.members()[member].bytes));
    archive.read(member, 0, *bytes);
    member_ = member;
    return bytes_ = std::move(bytes);
  }
  void drop() {
    const std::lock_guard lock(mutex_);
    bytes_ = nullptr;
  }

 private:
  std::mutex mutex_;
  Bytes bytes_;  // null: none
  std::size_t member_ = 0;
};

class ArchiveSource : public TensorSource {
 public:
  ArchiveSource(std::unique_ptr<ZipArchive> archive, ArchiveContents contents)
      : archive_(std::move(archive)), contents_(std::move(contents)) {
    for (const ArchivedTensor& tensor : contents_.tensors) tensors_.push_back(tensor.info);
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  void read(std::size_t index, std::uint64_t offset, std::span<std::byte> to) const override {
    const ArchivedTensor& from = contents_.tensors[index];
    if (archive_->members()[from.member].deflated && !from.elements.is_plain(from.info.shape)) {
      return read_unpacked(from, offset, to);
    }
    const auto read = [&](std::uint64_t at, std::span<std::byte> piece) {
      archive_->read(from.member, from.offset + at, piece);
    };
    read_strided(from.elements, from.info.shape, size_of(from.info.dtype), offset, to, read);
  }
  void check_contents() const override {
    std::set<std::size_t> members;
    for (const ArchivedTensor& tensor : contents_.tensors) members.insert(tensor.member);
    for (const std::size_t member : members) archive_->check(member);
  }
  const std::map<std::string, std::string>& metadata() const override { return contents_.metadata; }
  std::string config() const override { return contents_.config; }

 private:
  void read_unpacked(const ArchivedTensor& from, std::uint64_t offset,
                     std::span<std::byte> to) const {
    const UnpackedMember::Bytes bytes = unpacked_.get(*archive_, from.member);
    const auto read = [&](std::uint64_t at, std::span<std::byte> piece) {
      std::memcpy(piece.data(), bytes->data() + from.offset + at, piece.size());
    };
    read_strided(from.elements, from.info.shape, size_of(from.info.dtype), offset, to, read);
    if (offset + to.size() == from.info.bytes) unpacked_.drop();
  }

  std::unique_ptr<ZipArchive> archive_;
  mutable UnpackedMember unpacked_;
  ArchiveContents contents_;
  std::vector<TensorInfo> tensors_;  // of contents_, in the same order
};

// That reading a tensor costs what it has in bytes: a deflated member is unpacked from its start.
void check_packing(const ArchivedTensor& tensor, const ZipMember& member,
                   const std::string& where) {
  if (!member.deflated || tensor.info.bytes == 0) return;
  const auto refuse = [&](std::string_view wanted, std::string_view got) {
    fail_wanted(ErrorKind::kModel,
                str(where, ", tensor ", quoted(tensor.info.name), ", in the deflated member ",
                    quoted(member.name)),
                wanted, got);
  };
  if (tensor.elements.start != 0 || tensor.offset + tensor.info.bytes != member.bytes) {
    refuse("all of it (parts can be read of a stored one)",
           str(tensor.info.bytes, " of ", member.bytes, " bytes"));
  }
  if (member.bytes > kMostUnpacked && !tensor.elements.is_plain(tensor.info.shape)) {
    refuse(str("at most ", kMostUnpacked, " bytes in another order of axes (a stored one may be ",
               "larger)"),
           str(member.bytes));
  }
}

}  // namespace

std::unique_ptr<TensorSource> make_archive_source(std::unique_ptr<ZipArchive> archive,
                                                  ArchiveContents contents,
                                                  const std::string& where) {
  const auto name = [](const ArchivedTensor& tensor) -> const std::string& {
    return tensor.info.name;
  };
  std::ranges::sort(contents.tensors, {}, name);
  for (const ArchivedTensor& tensor : contents.tensors) {
    check_packing(tensor, archive->members()[tensor.member], where);
    if (utf8_first_error(name(tensor)) == std::string::npos) continue;
    fail_wanted(ErrorKind::kFormat, where, "names of tensors in UTF-8", quoted(name(tensor)));
  }
  return std::make_unique<ArchiveSource>(std::move(archive), std::move(contents));
}

}  // namespace xlstm
