#include "xlstm/base/lfs_pointer.h"

#include "xlstm/base/error.h"

namespace xlstm {

void refuse_lfs_pointer(std::string_view content, std::string_view where) {
  if (!content.starts_with("version https://git-lfs.github.com/spec/")) return;
  fail_wanted(ErrorKind::kFormat, where, "the file itself",
              "a Git LFS pointer to it: run 'git lfs pull' in the folder it was cloned to");
}

}  // namespace xlstm
