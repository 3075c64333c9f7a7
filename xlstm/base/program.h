// The running program and the processes that it starts.
#pragma once

#include <filesystem>

namespace xlstm {

// Where it lies; empty where the system does not say.
std::filesystem::path program_file();

// From now on this process ends when the one that started it does, where the system can see to it.
// To be called right after fork().
void end_with_parent() noexcept;

}  // namespace xlstm
