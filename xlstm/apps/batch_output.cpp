#include "xlstm/apps/batch_output.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "xlstm/apps/descriptors.h"
#include "xlstm/apps/line_reader.h"
#include "xlstm/apps/streams.h"
#include "xlstm/base/atomic_file.h"
#include "xlstm/base/json.h"
#include "xlstm/base/system.h"

namespace xlstm::apps {
namespace {

constexpr mode_t kPlainMode = 0666;  // less the umask, as for any new file

// The last of each index, by index.
std::vector<BatchAnswered> last_of_each(std::vector<BatchAnswered> all) {
  std::ranges::stable_sort(all, {}, &BatchAnswered::index);
  std::size_t kept = 0;
  for (std::size_t at = 0; at < all.size(); ++at) {
    if (at + 1 < all.size() && all[at + 1].index == all[at].index) continue;
    all[kept++] = all[at];
  }
  all.resize(kept);
  return all;
}

// Whether it is the beginning of an answer, and no whole line of another's.
bool is_cut_short(const std::string& line) {
  try {
    parse_json(line, "");
  } catch (const Error&) {
    return may_begin_answer(line);
  }
  return false;
}

}  // namespace

BatchOutput::BatchOutput(const std::string& file, bool restart)
    : name_(file == "-" ? "standard output" : file), restart_(restart) {
  if (file == "-") return;
  open_file();
  try {
    lock();
    read_answers();
  } catch (...) {
    close(descriptor_);
    throw;
  }
  if (restart_ && made_) restart_ = false;
  if (restart_) {
    const AtomicFile discarded(name_);  // whether it could be replaced
    answered_.clear();
  }
}

BatchOutput::~BatchOutput() {
  if (descriptor_ < 0) return;
  if (made_ && !begun_) unlink(name_.c_str());
  close(descriptor_);
}

void BatchOutput::open_file() {
  // A pipe or a device is refused before it is opened, which may wait, or do something.
  struct stat facts = {};
  made_ = stat(name_.c_str(), &facts) != 0;
  if (!made_ && !S_ISREG(facts.st_mode)) {
    fail_wanted(ErrorKind::kFile, name_, "a file to write",
                S_ISDIR(facts.st_mode) ? "a folder" : "a device or a pipe");
  }
  descriptor_ = uninterrupted(
      [&] { return open(name_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, kPlainMode); });
  if (descriptor_ < 0) fail_system(name_, "be written", errno);
}

// Not every file system can lock.
void BatchOutput::lock() {
  if (uninterrupted([&] { return flock(descriptor_, LOCK_EX | LOCK_NB); }) == 0) return;
  if (errno != EWOULDBLOCK) return;
  fail(ErrorKind::kFile, name_, "another run writes to it");
}

void BatchOutput::read_answers() {
  LineReader reader(name_, std::numeric_limits<std::size_t>::max() - 1);
  std::string line;
  for (std::uint64_t number = 1; reader.next(line) == NextLine::kLine; ++number) {
    const std::string where = str(name_, ", line ", number);
    if (reader.had_line_end()) {
      answered_.push_back(answered_of_line(line, where));
      size_ = reader.offset();
    } else if (!is_cut_short(line)) {
      answered_of_line(line, where);  // that of a run that was ended before its line end
    }
  }
  answered_ = last_of_each(std::move(answered_));
}

const BatchAnswered* BatchOutput::find(std::uint64_t index) const {
  const auto at = std::ranges::lower_bound(answered_, index, {}, &BatchAnswered::index);
  return at != answered_.end() && at->index == index ? &*at : nullptr;
}

void BatchOutput::begin() {
  if (std::exchange(begun_, true)) return;
  if (uninterrupted([&] { return ftruncate(descriptor_, static_cast<off_t>(size_)); }) != 0) {
    fail_system(name_, "be written", errno);
  }
}

// The old file is there until the new one has its first line.
void BatchOutput::replace(std::string_view first_line) {
  AtomicFile file(name_);
  file.write(first_line);
  file.commit();
  const int old = descriptor_;
  open_file();
  close(old);
  lock();
  restart_ = false;
  begun_ = true;
  size_ = first_line.size();
}

bool BatchOutput::write(std::string_view line) {
  if (!is_file()) return write_out(line) && flush_out();
  if (restart_) {
    replace(line);
    return true;
  }
  begin();
  if (write_whole(descriptor_, line) != Written::kAll) {
    const int error_number = errno;
    uninterrupted([&] { return ftruncate(descriptor_, static_cast<off_t>(size_)); });
    fail_system(name_, "be written", error_number);
  }
  size_ += line.size();
  return true;
}

void BatchOutput::finish() {
  if (!is_file()) return;
  if (restart_) replace("");
  begin();
  // Not every file system can sync.
  if (fsync(descriptor_) != 0 && errno != EINVAL) fail_system(name_, "be written", errno);
}

}  // namespace xlstm::apps
