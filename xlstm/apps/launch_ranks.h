// xlstm COMMAND --devices N: the command run by N processes of this program, one for each device.
#pragma once

namespace xlstm::apps {

// Runs `argv` again in `size` processes and waits for them. Rank 0 has this process's standard
// input and output and its terminal. SIGTERM, SIGHUP and an interrupt that this process alone gets
// are passed on to it. Where another ends badly and rank 0 does not notice, all are ended and one
// error says which. Returns the exit code of rank 0. Throws Error(kFile), Error(kMemory).
int launch_ranks(int argc, const char* const* argv, int size);

}  // namespace xlstm::apps
