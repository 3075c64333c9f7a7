// What this process uses and what the machine has, in bytes.
#pragma once

#include <cstdint>
#include <string>

namespace xlstm {

std::uint64_t resident_bytes();          // resident set of this process now
std::uint64_t peak_resident_bytes();     // its highest value so far
std::uint64_t physical_memory_bytes();   // of the machine, or of this control group if that is less
std::uint64_t available_memory_bytes();  // what can still be had without swapping
                                         // and within the process's limits

// "1.5 GiB", "37 MiB", "512 B"
std::string human_bytes(std::uint64_t bytes);

}  // namespace xlstm
