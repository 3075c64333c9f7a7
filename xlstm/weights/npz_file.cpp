#include <algorithm>
#include <string>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/weights/archive_source.h"
#include "xlstm/weights/npz.h"
#include "xlstm/weights/npz_members.h"

namespace xlstm {
namespace {

constexpr std::uint64_t kMostTextBytesInNpz = 10'000'000;

std::vector<std::byte> start_of(const ZipArchive& archive, std::size_t member,
                                std::uint64_t bytes) {
  std::vector<std::byte> start(
      static_cast<std::size_t>(std::min(bytes, archive.members()[member].bytes)));
  archive.read(member, 0, start);
  return start;
}

ArchivedTensor read_array(const ZipArchive& archive, std::size_t member) {
  const std::string where = archive.where(member);
  const std::uint64_t header_bytes =
      npy_header_bytes(start_of(archive, member, kNpyStartBytes), where);
  const NpyHeader header = parse_npy(start_of(archive, member, header_bytes), where);
  const std::uint64_t has = archive.members()[member].bytes - header.header_bytes;
  const auto count = element_count(header.shape);
  std::uint64_t bytes = 0;
  if (!count ||
      __builtin_mul_overflow(static_cast<std::uint64_t>(*count), size_of(header.dtype), &bytes) ||
      bytes != has) {
    fail_wanted(ErrorKind::kFormat, where,
                str("the bytes of ", name_of(header.dtype), " ", to_string(header.shape),
                    " behind the header"),
                str(has, " bytes"));
  }
  std::string name = archive.members()[member].name;
  name.resize(name.size() - kNpyEnding.size());
  return {{std::move(name), header.dtype, header.shape, bytes, archive.path()},
          member,
          header.header_bytes,
          header.columns_first ? Strided::columns_first(header.shape)
                               : Strided::rows_first(header.shape)};
}

std::map<std::string, std::string> read_metadata(const ZipArchive& archive, std::size_t member) {
  const std::string where = archive.where(member);
  const Json all = parse_json(archive.text(member, kMostTextBytesInNpz), where);
  if (!all.is_object()) fail_wanted(ErrorKind::kFormat, where, "a JSON object", kind_of(all));
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : all.items()) {
    if (!value.is_string()) {
      fail_wanted(ErrorKind::kFormat, where, str("a string for ", quoted(key)), described(value));
    }
    out.emplace(key, value.get<std::string>());
  }
  return out;
}

}  // namespace

std::unique_ptr<TensorSource> open_npz(std::unique_ptr<ZipArchive> archive) {
  ArchiveContents contents;
  for (std::size_t i = 0; i < archive->members().size(); ++i) {
    const std::string& name = archive->members()[i].name;
    if (name == kNpzConfig) {
      contents.config = archive->text(i, kMostTextBytesInNpz);
    } else if (name == kNpzMetadata) {
      contents.metadata = read_metadata(*archive, i);
    } else if (name.ends_with(kNpyEnding)) {
      contents.tensors.push_back(read_array(*archive, i));
    } else {
      fail_wanted(ErrorKind::kFormat, archive->where(i),
                  str("arrays (NAME.npy), ", kNpzConfig, " or ", kNpzMetadata,
                      "; or a torch archive, with a member data.pkl"),
                  "another member");
    }
  }
  const std::string where = archive->path().string();
  if (contents.tensors.empty()) {
    fail_wanted(ErrorKind::kFormat, where,
                "a ZIP archive of arrays (NAME.npy) or of torch (data.pkl)", "neither in it");
  }
  return make_archive_source(std::move(archive), std::move(contents), where);
}

}  // namespace xlstm
