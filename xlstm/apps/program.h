// The whole program behind main(): arguments in, exit code out.
#pragma once

namespace xlstm::apps {

// Parses, runs the command, prints what went wrong.
int run_program(int argc, const char* const* argv);

}  // namespace xlstm::apps
