#include "xlstm/base/system.h"

#include <system_error>

namespace xlstm {

void fail_system(const std::filesystem::path& path, std::string_view action, int error_number) {
  fail(ErrorKind::kFile, path.string(),
       str("cannot ", action, ": ", std::generic_category().message(error_number)));
}

}  // namespace xlstm
