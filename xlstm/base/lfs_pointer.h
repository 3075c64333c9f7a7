// Files of a clone that was made without Git LFS: a few lines that name the content, instead of it.
#pragma once

#include <string_view>

namespace xlstm {

// Throws Error(kFormat), with what to do, where `content`, the file `where`, is such a pointer
// (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
void refuse_lfs_pointer(std::string_view content, std::string_view where);

}  // namespace xlstm
