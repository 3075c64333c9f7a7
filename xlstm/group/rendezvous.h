// How ranks that are processes find each other.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>

namespace xlstm {

// A file on this host that rank 0 makes and the others wait for; it is gone when all have met.
struct Rendezvous {
  int rank = 0, size = 1;
  std::filesystem::path file;
  std::chrono::seconds patience{60};  // for the others
};

inline constexpr int kMostRanks = 64;

// What the program that started this process says of it: XLSTM_RANK, XLSTM_RANKS and
// XLSTM_RENDEZVOUS, else the variables of Open MPI, of MPICH and its relatives, or of a step of
// Slurm; then the file is named after the job. None where there is no such program, or it started
// one process alone. Throws Error(kUsage) for numbers that cannot be, and for ranks on several
// hosts.
std::optional<Rendezvous> rendezvous_from_environment();

// A folder for files that processes share in memory.
std::filesystem::path shared_memory_folder();

}  // namespace xlstm
