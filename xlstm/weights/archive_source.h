// The tensors of a ZIP archive, whoever knows where in its members they lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "xlstm/weights/strided.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/weights/zip_archive.h"

namespace xlstm {

struct ArchivedTensor {
  TensorInfo info;
  std::size_t member = 0;
  std::uint64_t offset = 0;  // bytes of the member before its elements
  Strided elements;          // within the member, checked by who made it
};

struct ArchiveContents {
  std::vector<ArchivedTensor> tensors;
  std::map<std::string, std::string> metadata;
  std::string config;
};

// The tensors' names are unique. Throws Error: kFormat for a name that is not UTF-8; kModel for a
// tensor on a part of a deflated member, or on one of more than 1 GB in another order of axes than
// ours. `where` names what says so.
std::unique_ptr<TensorSource> make_archive_source(std::unique_ptr<ZipArchive> archive,
                                                  ArchiveContents contents,
                                                  const std::string& where);

}  // namespace xlstm
