// How ranks that are processes find each other.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace xlstm {

// Of TCP: a name or an IPv4 or IPv6 address, without brackets.
struct HostAndPort {
  std::string host;
  int port = 0;

  std::string text() const;  // "tcp://HOST:PORT"
  bool operator==(const HostAndPort&) const = default;
};

// A file on this host that rank 0 makes and the others wait for; it is gone when all have met. Or,
// of ranks on several hosts, an address where rank 0 listens and the others call.
struct Rendezvous {
  int rank = 0, size = 1;
  std::filesystem::path file = {};
  std::chrono::seconds patience{60};        // for the others
  std::optional<HostAndPort> address = {};  // then there is no file
  std::string host = {};                    // tells hosts apart; empty: as the system does (host.h)
};

inline constexpr int kMostRanks = 64;

std::string seconds_of(const Rendezvous& place);  // "within 60 s", its patience

// "tcp://HOST:PORT", of IPv6 "tcp://[ADDRESS]:PORT". Throws Error(kUsage) with `where` in front.
HostAndPort parse_tcp_address(std::string_view where, std::string_view text);

// What the program that started this process says of it: XLSTM_RANK, XLSTM_RANKS and
// XLSTM_RENDEZVOUS, else the variables of Open MPI, of MPICH and its relatives, or of a step of
// Slurm; then the file is named after the job, and the address of ranks on several hosts is that of
// MASTER_ADDR and MASTER_PORT, where XLSTM_RENDEZVOUS says neither. None where there is no such
// program, or it started one process alone. Throws Error(kUsage) for what cannot be, and for ranks
// on several hosts without an address.
std::optional<Rendezvous> rendezvous_from_environment();

// A folder for files that processes share in memory.
std::filesystem::path shared_memory_folder();

}  // namespace xlstm
