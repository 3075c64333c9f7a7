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
  const char* job;         // which tells jobs apart; null: its process does
};

constexpr std::array kStarters = {
    Starter{"XLSTM_RANK", "XLSTM_RANKS", nullptr, nullptr},
    Starter{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE",
            "PMIX_NAMESPACE"},
    Starter{"PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS", nullptr},
    // Of a step: a batch script has SLURM_PROCID too, and is no rank.
    Starter{"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", nullptr, "SLURM_JOB_ID"},
};

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

fs::path file_of(const Starter& starter) {
  if (const auto chosen = variable("XLSTM_RENDEZVOUS")) return *chosen;
  if (starter.rank == kStarters.front().rank) {
    fail_wanted(ErrorKind::kUsage, "XLSTM_RENDEZVOUS", "a file beside XLSTM_RANK", "none");
  }
  std::string job = variable(starter.job).value_or(std::to_string(::getppid()));
  if (const auto step = variable("SLURM_STEP_ID")) job += "-" + *step;
  std::ranges::replace_if(
      job, [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '.'; }, '-');
  return shared_memory_folder() / str("xlstm-", static_cast<std::int64_t>(::getuid()), "-", job);
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

std::optional<Rendezvous> rendezvous_from_environment() {
  for (const Starter& starter : kStarters) {
    const auto rank = variable(starter.rank), size = variable(starter.size);
    if (!rank || !size) continue;
    Rendezvous out;
    out.size = number_in(starter.size, *size, 1, kMostRanks);
    out.rank = number_in(starter.rank, *rank, 0, out.size - 1);
    if (out.size == 1) return std::nullopt;
    const auto local = variable(starter.local_size);
    if (local && *local != *size) {
      fail_wanted(ErrorKind::kUsage, starter.size, "all ranks on one host",
                  str(*local, " of ", *size, " on this one"));
    }
    out.file = file_of(starter);
    return out;
  }
  return std::nullopt;
}

}  // namespace xlstm
