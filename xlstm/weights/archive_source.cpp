#include "xlstm/weights/archive_source.h"

#include <algorithm>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"

namespace xlstm {
namespace {

class ArchiveSource : public TensorSource {
 public:
  ArchiveSource(std::unique_ptr<ZipArchive> archive, ArchiveContents contents)
      : archive_(std::move(archive)), contents_(std::move(contents)) {
    for (const ArchivedTensor& tensor : contents_.tensors) tensors_.push_back(tensor.info);
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  void read(std::size_t index, std::uint64_t offset, std::span<std::byte> to) const override {
    const ArchivedTensor& from = contents_.tensors[index];
    const auto read = [&](std::uint64_t at, std::span<std::byte> piece) {
      archive_->read(from.member, from.offset + at, piece);
    };
    read_strided(from.elements, from.info.shape, size_of(from.info.dtype), offset, to, read);
  }
  const std::map<std::string, std::string>& metadata() const override { return contents_.metadata; }
  std::string config() const override { return contents_.config; }

 private:
  std::unique_ptr<ZipArchive> archive_;
  ArchiveContents contents_;
  std::vector<TensorInfo> tensors_;  // of contents_, in the same order
};

}  // namespace

std::unique_ptr<TensorSource> make_archive_source(std::unique_ptr<ZipArchive> archive,
                                                  ArchiveContents contents,
                                                  const std::string& where) {
  const auto name = [](const ArchivedTensor& tensor) -> const std::string& {
    return tensor.info.name;
  };
  std::ranges::sort(contents.tensors, {}, name);
  const auto twice = std::ranges::adjacent_find(contents.tensors, {}, name);
  if (twice != contents.tensors.end()) {
    fail_wanted(ErrorKind::kFormat, where, str("tensor ", quoted(name(*twice)), " once"),
                "it twice");
  }
  for (const ArchivedTensor& tensor : contents.tensors) {
    if (utf8_first_error(name(tensor)) == std::string::npos) continue;
    fail_wanted(ErrorKind::kFormat, where, "names of tensors in UTF-8", quoted(name(tensor)));
  }
  return std::make_unique<ArchiveSource>(std::move(archive), std::move(contents));
}

}  // namespace xlstm
