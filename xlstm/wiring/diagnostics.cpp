#include "xlstm/wiring/diagnostics.h"

#include "xlstm/base/error.h"

namespace xlstm {

void Diagnostics::throw_if_any(std::string_view where) const {
  if (count_ == 0) return;
  std::string text =
      str("this model cannot be run: ", count_, count_ == 1 ? " fault:" : " faults:");
  for (const std::string& line : lines_) text += "\n  - " + line;
  if (count_ > lines_.size()) text += str("\n  and ", count_ - lines_.size(), " more");
  fail(ErrorKind::kModel, where, text);
}

}  // namespace xlstm
