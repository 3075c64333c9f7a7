// How the program ends: one table from errors to exit codes, one way to print an error.
#pragma once

#include <exception>

#include "xlstm/base/error.h"

namespace xlstm::apps {

// Documented in docs/cli.md and packaging/xlstm.1; scripts rely on them. After a signal it is
// interrupt_exit_code() (interrupts.h).
enum ExitCode : int {
  kExitOk = 0,
  kExitOther = 1,   // our fault, or something nobody foresaw
  kExitUsage = 2,   // an option or an input the caller can correct
  kExitData = 3,    // a file, its format, or the model it describes
  kExitMemory = 4,  // more memory wanted than there is or than was allowed
  kExitNetwork = 5  // a server that cannot be reached or does not answer as it should
};

ExitCode exit_code_of(ErrorKind kind);

// Ctrl-C or another signal where there is nothing to keep: leaves everything up to run_program().
struct Interrupted {};

// Prints "xlstm: [where] what" to standard error: one line, but for faults of a model's wiring,
// which are several. Returns the exit code.
ExitCode report_error(const std::exception& error);

}  // namespace xlstm::apps
