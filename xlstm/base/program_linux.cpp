#include <signal.h>
#include <sys/prctl.h>

#include <system_error>

#include "xlstm/base/program.h"

namespace xlstm {

std::filesystem::path program_file() {
  std::error_code error;
  std::filesystem::path file = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::filesystem::path() : file;
}

void end_with_parent() noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
}

}  // namespace xlstm
