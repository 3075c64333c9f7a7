#include "xlstm/apps/exit_code.h"

#include <algorithm>
#include <new>
#include <string>

#include "xlstm/apps/streams.h"

namespace xlstm::apps {

ExitCode exit_code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUsage:
      return kExitUsage;
    case ErrorKind::kFile:
    case ErrorKind::kFormat:
    case ErrorKind::kModel:
      return kExitData;
    case ErrorKind::kMemory:
      return kExitMemory;
    case ErrorKind::kNetwork:
      return kExitNetwork;
    case ErrorKind::kCancelled:
    case ErrorKind::kInternal:
      break;
  }
  return kExitOther;
}

ExitCode report_error(const std::exception& error) {
  const auto* ours = dynamic_cast<const Error*>(&error);
  const bool no_memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
  std::string message = no_memory ? "[memory] wanted more than the machine gives" : error.what();
  if (ours == nullptr || ours->kind() != ErrorKind::kModel) {
    std::replace(message.begin(), message.end(), '\n', ' ');
  }
  write_note(str("xlstm: ", message, "\n"));
  if (no_memory) return kExitMemory;
  return ours != nullptr ? exit_code_of(ours->kind()) : kExitOther;
}

}  // namespace xlstm::apps
