#include "xlstm/apps/editor/history.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <utility>

#include "xlstm/apps/editor/history_text.h"
#include "xlstm/base/atomic_file.h"
#include "xlstm/base/system.h"

namespace xlstm::apps {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kPrivate = 0600;

// How long another program may hold the lock: much longer than it takes to write or shorten the
// file.
constexpr int kLockTries = 100;
constexpr std::chrono::milliseconds kLockPause{10};

bool lock_soon(int descriptor, int operation) {
  for (int tries = 0; tries < kLockTries; ++tries) {
    if (tries > 0) std::this_thread::sleep_for(kLockPause);
    if (uninterrupted([&] { return flock(descriptor, operation | LOCK_NB); }) == 0) return true;
    if (errno != EWOULDBLOCK) return false;
  }
  return false;
}

// The history file, open and, unless another program holds on to it, locked.
class LockedFile {
 public:
  // `flags` as for open(), `operation` as for flock().
  LockedFile(const fs::path& path, int flags, int operation) {
    do {
      close_file();
      descriptor_ =
          uninterrupted([&] { return open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, kPrivate); });
      if (descriptor_ < 0) return;
      locked_ = lock_soon(descriptor_, operation);
    } while (locked_ && was_replaced(path));
  }
  ~LockedFile() { close_file(); }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;

  bool good() const { return descriptor_ >= 0; }
  bool locked() const { return locked_; }

  // Its last lines: more than may stay.
  std::string read_end() const {
    struct stat facts;
    if (fstat(descriptor_, &facts) != 0 || !S_ISREG(facts.st_mode)) return "";
    constexpr off_t kMost = static_cast<off_t>(2 * kHistoryBytes);
    off_t at = facts.st_size > kMost ? facts.st_size - kMost : 0;
    std::string text(static_cast<std::size_t>(facts.st_size - at), '\0');
    std::size_t used = 0;
    while (used < text.size()) {
      const ssize_t got = uninterrupted([&] {
        return pread(descriptor_, text.data() + used, text.size() - used,
                     at + static_cast<off_t>(used));
      });
      if (got <= 0) break;
      used += static_cast<std::size_t>(got);
    }
    text.resize(used);
    if (at > 0) text.erase(0, text.find('\n') + 1);  // half a line
    return text;
  }

  // In one piece, so that also a reader without a lock sees whole lines.
  void append(std::string text) const {
    struct stat facts;
    if (fstat(descriptor_, &facts) != 0 || !S_ISREG(facts.st_mode)) return;
    char last = '\n';
    if (facts.st_size == 0) {
      text.insert(0, std::string(kHistoryHeader) + "\n");
    } else if (pread(descriptor_, &last, 1, facts.st_size - 1) == 1 && last != '\n') {
      text.insert(0, "\n");  // a writer was killed
    }
    std::string_view rest = text;
    while (!rest.empty()) {
      const ssize_t gone =
          uninterrupted([&] { return write(descriptor_, rest.data(), rest.size()); });
      if (gone <= 0) return;
      rest.remove_prefix(static_cast<std::size_t>(gone));
    }
  }

 private:
  void close_file() {
    if (descriptor_ >= 0) close(descriptor_);
    descriptor_ = -1;
  }
  // Whether another program put a shorter file in its place, or none, while we waited for the lock.
  bool was_replaced(const fs::path& path) const {
    struct stat ours, named;
    if (fstat(descriptor_, &ours) != 0) return false;
    if (stat(path.c_str(), &named) != 0) return true;
    return ours.st_ino != named.st_ino || ours.st_dev != named.st_dev;
  }

  int descriptor_ = -1;
  bool locked_ = false;
};

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0 && text.substr(0, end) != kHistoryHeader) lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// How many of the last lines may stay.
std::size_t most_lines(const std::vector<std::string_view>& lines) {
  std::size_t count = 0;
  std::size_t bytes = kHistoryHeader.size() + 1;
  while (count < std::min(lines.size(), kHistoryLines)) {
    bytes += lines[lines.size() - count - 1].size() + 1;
    if (bytes > kHistoryBytes) break;
    ++count;
  }
  return count;
}

void shorten(const fs::path& path) {
  const LockedFile file(path, O_RDWR, LOCK_EX);
  if (!file.locked()) return;
  const std::string text = file.read_end();
  const auto lines = split_lines(text);
  const std::size_t count = most_lines(lines);
  if (count == lines.size()) return;
  AtomicFile shorter(path);
  shorter.write(kHistoryHeader);
  for (std::size_t i = lines.size() - count; i < lines.size(); ++i) {
    shorter.write("\n");
    shorter.write(lines[i]);
  }
  shorter.write("\n");
  shorter.commit();
}

}  // namespace

History::History(fs::path file) : file_(std::move(file)) {
  if (file_.empty()) return;
  const LockedFile now(file_, O_RDONLY | O_NONBLOCK, LOCK_SH);
  if (!now.good()) return;
  const std::string text = now.read_end();
  const auto lines = split_lines(text);
  for (std::size_t i = lines.size() - most_lines(lines); i < lines.size(); ++i) {
    lines_.push_back(decode_history_line(lines[i]));
  }
}

History::~History() {
  try {
    if (!file_.empty()) shorten(file_);
  } catch (const std::exception&) {  // the file stays as it is
  }
}

void History::add(const std::string& line) {
  lines_.push_back(line);
  const std::string encoded = encode_history_line(line) + "\n";
  if (file_.empty() || encoded.size() > kHistoryBytes / 2) return;
  const LockedFile file(file_, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK, LOCK_EX);
  if (file.good()) file.append(encoded);
}

fs::path history_file() {
  fs::path folder;
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  if (state != nullptr && state[0] == '/') {
    folder = fs::path(state) / "xlstm";
  } else if (home != nullptr && home[0] == '/') {
    folder = fs::path(home) / ".local/state/xlstm";
  } else {
    return {};
  }
  std::error_code failed;
  fs::create_directories(folder, failed);
  return failed ? fs::path() : folder / "history";
}

}  // namespace xlstm::apps
