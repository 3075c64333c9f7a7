// Threads of our own beside those of the program.
#pragma once

#include <functional>
#include <thread>

namespace xlstm {

// Runs `run` in a thread that takes no signals: their handlers run in the threads of the program.
// Throws as std::thread does.
std::thread without_signals(std::function<void()> run);

}  // namespace xlstm
