#include "xlstm/apps/line_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/streams.h"
#include "xlstm/base/system.h"

namespace xlstm::apps {
namespace {

constexpr std::size_t kBlock = 1 << 16;

}  // namespace

LineReader::LineReader(const std::string& file, std::size_t most)
    : name_(source_name(file)),
      descriptor_(file == "-" ? STDIN_FILENO : open(file.c_str(), O_RDONLY | O_CLOEXEC)),
      most_(most),
      block_(kBlock) {
  if (descriptor_ < 0) {
    throw_if_interrupted();  // a pipe without a writer makes open() wait
    fail_system(name_, "be opened", errno);
  }
  struct stat facts = {};
  regular_ = fstat(descriptor_, &facts) == 0 && S_ISREG(facts.st_mode);
  if (regular_) start_ = lseek(descriptor_, 0, SEEK_CUR);
}

LineReader::~LineReader() {
  if (descriptor_ > STDERR_FILENO) close(descriptor_);
}

NextLine LineReader::next(std::string& line, bool wait) {
  for (;;) {
    if (at_ == filled_ && !ended_ && !fill(wait)) return NextLine::kLater;
    if (ended_ && !any_of_it_) return NextLine::kEnd;
    const char* start = block_.data() + at_;
    const char* end =
        ended_ ? start : static_cast<const char*>(std::memchr(start, '\n', filled_ - at_));
    take(start, end == nullptr ? filled_ - at_ : static_cast<std::size_t>(end - start));
    if (end == nullptr) continue;
    had_line_end_ = !ended_;
    if (had_line_end_) {
      ++at_;
      ++offset_;
    }
    if (line_.ends_with('\r')) line_.pop_back();
    line = std::move(line_);
    line_.clear();
    any_of_it_ = false;
    return NextLine::kLine;
  }
}

void LineReader::take(const char* from, std::size_t size) {
  const std::size_t room = line_.size() > most_ ? 0 : most_ + 1 - line_.size();
  line_.append(from, std::min(size, room));
  any_of_it_ = any_of_it_ || size > 0;
  at_ += size;
  offset_ += size;
}

bool LineReader::fill(bool wait) {
  if (!wait && !regular_ && wait_for(descriptor_, 0) == Wait::kTimeout) return false;
  at_ = 0;
  filled_ = 0;  // an interrupted read leaves nothing
  filled_ = read_block(descriptor_, block_.data(), kBlock, name_);
  ended_ = filled_ == 0;
  return true;
}

void LineReader::rewind() {
  if (lseek(descriptor_, start_, SEEK_SET) < 0) fail_system(name_, "be read twice", errno);
  at_ = filled_ = 0;
  ended_ = any_of_it_ = false;
  line_.clear();
  offset_ = 0;
}

}  // namespace xlstm::apps
