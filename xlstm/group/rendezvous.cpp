#include "xlstm/group/rendezvous.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

// The variables by which a program that starts ranks tells each which it is.
struct Starter {
  const char* rank;
  const char* size;
  const char* local_size;  // ranks on this host; null: it does not say
  const char* hosts;       // how many there are; null: it does not say
  const char* job;         // which tells jobs apart; null: its process does
};

constexpr std::array kStarters = {
    Starter{"XLSTM_RANK", "XLSTM_RANKS", nullptr, nullptr, nullptr},
    Starter{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", nullptr,
            "PMIX_NAMESPACE"},
    Starter{"PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS", nullptr, nullptr},
    // Of a step: a batch script has SLURM_PROCID too, and is no rank.
    Starter{"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", nullptr, "SLURM_STEP_NUM_NODES",
            "SLURM_JOB_ID"},
};

constexpr std::string_view kTcp = "tcp://";
constexpr int kMostPort = 65535;

std::optional<std::string> variable(const char* name) {
  const char* value = name == nullptr ? nullptr : std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

int number_in(const char* name, const std::string& text, int least, int most) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && next == end && value >= least && value <= most) return value;
  fail_wanted(ErrorKind::kUsage, name, str("a number from ", least, " to ", most), quoted(text));
}

// How ranks are spread over hosts, as the starter says; empty: they are all here, or it is silent.
std::string spread_of(const Starter& starter, const std::string& size) {
  const auto local = variable(starter.local_size), hosts = variable(starter.hosts);
  if (local && *local != size) return str(*local, " of ", size, " on this one");
  if (hosts && *hosts != "1") return str(size, " on ", *hosts);
  return "";
}

std::optional<HostAndPort> address_of_master() {
  const auto host = variable("MASTER_ADDR"), port = variable("MASTER_PORT");
  if (!host || !port) return std::nullopt;
  return HostAndPort{*host, number_in("MASTER_PORT", *port, 1, kMostPort)};
}

fs::path file_of_job(const Starter& starter) {
  std::string job = variable(starter.job).value_or(std::to_string(::getppid()));
  if (const auto step = variable("SLURM_STEP_ID")) job += "-" + *step;
  std::ranges::replace_if(
      job, [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '.'; }, '-');
  return shared_memory_folder() / str("xlstm-", static_cast<std::int64_t>(::getuid()), "-", job);
}

// Where ranks meet; `spread`: over which hosts.
void choose_place(Rendezvous& to, const Starter& starter, const std::string& spread) {
  const auto chosen = variable("XLSTM_RENDEZVOUS");
  if (chosen && chosen->find("://") != std::string::npos) {
    to.address = parse_tcp_address("XLSTM_RENDEZVOUS", *chosen);
  } else if (!spread.empty()) {
    to.address = chosen ? std::nullopt : address_of_master();
    if (to.address) return;
    fail_wanted(ErrorKind::kUsage, starter.size,
                "all ranks on one host, or XLSTM_RENDEZVOUS=tcp://HOST:PORT for them all, where "
                "rank 0's host is HOST (mpirun -x, srun --export)",
                spread);
  } else if (chosen) {
    to.file = *chosen;
  } else if (starter.rank == kStarters.front().rank) {
    fail_wanted(ErrorKind::kUsage, "XLSTM_RENDEZVOUS",
                "a file or tcp://HOST:PORT beside XLSTM_RANK", "none");
  } else {
    to.file = file_of_job(starter);
  }
}

}  // namespace

fs::path shared_memory_folder() {
  for (const fs::path folder : {"/dev/shm", "/run/shm"}) {
    std::error_code ignored;
    if (fs::is_directory(folder, ignored) && ::access(folder.c_str(), W_OK | X_OK) == 0) {
      return folder;
    }
  }
  std::error_code error;
  const fs::path folder = fs::temp_directory_path(error);
  return error ? fs::path("/tmp") : folder;
}

std::string seconds_of(const Rendezvous& place) {
  return str("within ", static_cast<std::int64_t>(place.patience.count()), " s");
}

std::string HostAndPort::text() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return str(kTcp, is_ipv6 ? "[" : "", host, is_ipv6 ? "]:" : ":", port);
}

HostAndPort parse_tcp_address(std::string_view where, std::string_view text) {
  const auto refuse = [&] {
    fail_wanted(ErrorKind::kUsage, where,
                str("tcp://HOST:PORT (of IPv6 tcp://[ADDRESS]:PORT) with a port from 1 to ",
                    kMostPort, ", or a file"),
                quoted(text));
  };
  const std::size_t colon = text.rfind(':');
  if (!text.starts_with(kTcp) || colon < kTcp.size()) refuse();
  std::string_view host = text.substr(kTcp.size(), colon - kTcp.size());
  const std::string_view digits = text.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  HostAndPort out{std::string(host)};
  const auto [next, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  const bool is_port = error == std::errc() && next == digits.data() + digits.size() &&
                       out.port >= 1 && out.port <= kMostPort;
  const bool is_host = !host.empty() && host.find_first_of("/@[]? \t") == std::string_view::npos &&
                       (bracketed || host.find(':') == std::string_view::npos);
  if (!is_port || !is_host) refuse();
  return out;
}

std::optional<Rendezvous> rendezvous_from_environment() {
  for (const Starter& starter : kStarters) {
    const auto rank = variable(starter.rank), size = variable(starter.size);
    if (!rank || !size) continue;
    Rendezvous out;
    out.size = number_in(starter.size, *size, 1, kMostRanks);
    out.rank = number_in(starter.rank, *rank, 0, out.size - 1);
    if (out.size == 1) return std::nullopt;
    choose_place(out, starter, spread_of(starter, *size));
    return out;
  }
  return std::nullopt;
}

}  // namespace xlstm
