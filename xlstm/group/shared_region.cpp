#include "xlstm/group/shared_region.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

#include "xlstm/base/error.h"
#include "xlstm/base/system.h"

namespace xlstm {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kLookAgain{2};

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

// Also one whose end its parent has not taken note of, which still has its number. One that this
// process may not signal lives.
bool has_ended(pid_t process) {
  if (process == ::getpid()) return false;
  if (::kill(process, 0) != 0) return errno == ESRCH;
  const std::string file = str("/proc/", static_cast<std::int64_t>(process), "/stat");
  const Descriptor stat{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  std::array<char, 256> bytes;  // "123 (its name) Z ..."
  const ssize_t count = stat.number < 0 ? 0 : ::read(stat.number, bytes.data(), bytes.size());
  const std::string_view text(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  const std::size_t name_ends = text.rfind(") ");
  return name_ends != std::string_view::npos && text.substr(name_ends + 2).starts_with('Z');
}

// All of it now: a page that cannot be had later ends the process.
void take_room(int descriptor, std::size_t bytes, const std::filesystem::path& file) {
  const std::string zeros(1 << 16, '\0');
  for (std::size_t at = 0; at < bytes; at += zeros.size()) {
    const std::size_t count = std::min(zeros.size(), bytes - at);
    const auto written = uninterrupted([&] { return ::write(descriptor, zeros.data(), count); });
    if (written != static_cast<ssize_t>(count)) {
      fail_system(file, str("write ", bytes, " bytes"), written < 0 ? errno : ENOSPC);
    }
  }
}

}  // namespace

SharedRegion::SharedRegion(int size) {
  map(-1, size);
  begin(size);
}

SharedRegion::SharedRegion(const Rendezvous& place) {
  try {
    if (place.rank == 0) {
      make(place);
    } else {
      const auto end = Clock::now() + place.patience;
      while (!find(place)) {
        if (Clock::now() > end) {
          fail_wanted(ErrorKind::kUsage, place.file.string(),
                      str("rank 0 of ", place.size, " to make it, on this host, ",
                          seconds_of(place), " (XLSTM_RENDEZVOUS names it)"),
                      "nothing");
        }
        std::this_thread::sleep_for(kLookAgain);
      }
    }
    wait_for_all(place);
  } catch (...) {
    if (place.rank == 0 && file_ != 0) ::unlink(place.file.c_str());
    throw;
  }
}

std::string_view SharedRegion::end_of(int rank) const {
  const std::int64_t process = this->rank(rank).process;
  const bool is_gone = process > 0 && has_ended(static_cast<pid_t>(process));
  return is_gone ? "its process ended without a word" : "";
}

// It gets its name when it can be read: what an earlier run left under this name is gone then.
void SharedRegion::make(const Rendezvous& place) {
  const std::string made = str(place.file.string(), ".", static_cast<std::int64_t>(::getpid()));
  const Descriptor file{::open(made.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (file.number < 0) fail_system(made, "create", errno);
  try {
    take_room(file.number, bytes_for(place.size), made);
    map(file.number, place.size);
    begin(place.size);
    rank(0).process = ::getpid();
    rank(0).joined = 1;
    header().magic = RegionHeader::kMagic;
    struct stat facts = {};
    if (::fstat(file.number, &facts) != 0) fail_system(made, "examine", errno);
    file_ = facts.st_ino;
    if (::rename(made.c_str(), place.file.c_str()) != 0) {
      fail_system(place.file, "create", errno);
    }
  } catch (...) {
    ::unlink(made.c_str());
    throw;
  }
}

// False where there is none yet.
bool SharedRegion::find(const Rendezvous& place) {
  const Descriptor file{::open(place.file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW)};
  if (file.number < 0) {
    if (errno == ENOENT) return false;
    fail_system(place.file, "open", errno);
  }
  struct stat facts = {};
  if (::fstat(file.number, &facts) != 0) fail_system(place.file, "examine", errno);
  const bool ours = facts.st_uid == ::geteuid() && S_ISREG(facts.st_mode) &&
                    facts.st_size == static_cast<off_t>(bytes_for(place.size));
  if (ours) {
    unmap();
    map(file.number, place.size);
    file_ = facts.st_ino;
  }
  if (!ours || header().magic != RegionHeader::kMagic ||
      header().size != static_cast<std::uint32_t>(place.size)) {
    fail_wanted(ErrorKind::kFile, place.file.string(),
                str("the meeting place of ", place.size, " ranks of this version of xlstm"),
                str("another file, of ", static_cast<std::int64_t>(facts.st_size), " bytes"));
  }
  rank(place.rank).process = ::getpid();
  rank(place.rank).joined = 1;
  return true;
}

void SharedRegion::wait_for_all(const Rendezvous& place) {
  const auto end = Clock::now() + place.patience;
  for (int looks = 0; header().all_here == 0; ++looks) {
    int missing = 0;
    while (missing < place.size && rank(missing).joined != 0) ++missing;
    if (place.rank == 0 && missing == place.size) {
      ::unlink(place.file.c_str());
      header().all_here = 1;
      return;
    }
    if (Clock::now() > end) {
      fail_wanted(
          ErrorKind::kUsage, place.file.string(),
          str("all ", place.size, " ranks, on this host, ", seconds_of(place)),
          missing == place.size ? std::string("rank 0 to be gone") : str("no rank ", missing));
    }
    std::this_thread::sleep_for(kLookAgain);
    // It may have been an earlier run's.
    struct stat facts = {};
    if (place.rank != 0 && ::stat(place.file.c_str(), &facts) == 0 && facts.st_ino != file_) {
      find(place);
    }
  }
}

}  // namespace xlstm
