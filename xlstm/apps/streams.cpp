#include "xlstm/apps/streams.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "xlstm/apps/descriptors.h"
#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/ranks.h"
#include "xlstm/base/error.h"

namespace xlstm::apps {
namespace {

constexpr std::size_t kBlock = 1 << 16;

// SIGPIPE is ignored (run_program), so that a closed pipe is an error like others and answers can
// still be saved.
bool g_reader_gone = false;
bool g_out_cut = false;
// Not stdio's buffer, which loses track where a descriptor that does not block is full.
std::string g_out;

// Where reading or writing gives EIO: whether it means that the terminal hung up, and not that a
// disk is broken. isatty() says no then.
bool is_terminal_file(int descriptor) {
  const int error_number = errno;
  struct stat facts = {};
  const bool is_device = fstat(descriptor, &facts) == 0 && S_ISCHR(facts.st_mode);
  errno = error_number;
  return is_device;
}

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number > STDERR_FILENO) close(number);
  }
};

}  // namespace

std::size_t read_block(int descriptor, char* into, std::size_t size, const std::string& name) {
  for (;;) {
    if (!wait_readable(descriptor)) throw Interrupted();
    const ssize_t got = read(descriptor, into, size);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EIO && is_terminal_file(descriptor)) return 0;
    // Another reader of the same pipe may have been faster.
    if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) {
      fail(ErrorKind::kFile, name, str("cannot be read: ", std::strerror(errno)));
    }
  }
}

bool write_out(std::string_view text) {
  if (!leads()) return true;
  if (g_reader_gone) return false;
  g_out += text;
  return g_out.size() < kBlock || flush_out();
}

bool flush_out() {
  if (g_reader_gone) return false;
  const std::string text = std::exchange(g_out, {});
  switch (write_whole(STDOUT_FILENO, text)) {
    case Written::kAll:
      return true;
    case Written::kInterrupted:
      g_out_cut = true;
      return false;
    case Written::kFailed:
      break;
  }
  g_reader_gone = errno == EPIPE || (errno == EIO && is_terminal_file(STDOUT_FILENO));
  if (g_reader_gone) return false;
  fail(ErrorKind::kFile, "standard output", str("cannot be written: ", std::strerror(errno)));
}

bool output_was_truncated() {
  return g_out_cut;
}

void write_note(std::string_view text) {
  if (leads()) write_whole(STDERR_FILENO, text);
}

std::string source_name(const std::string& file) {
  return file == "-" ? "standard input" : file;
}

namespace {

std::string read_here(const std::string& file, std::size_t most) {
  const std::string name = source_name(file);
  const Descriptor in{file == "-" ? STDIN_FILENO : open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (in.number < 0) {
    throw_if_interrupted();  // a pipe without a writer makes open() wait
    fail(ErrorKind::kFile, name, str("cannot be opened: ", std::strerror(errno)));
  }
  std::string text;
  for (std::size_t used = 0;;) {
    text.resize(used + kBlock);
    const std::size_t got = read_block(in.number, text.data() + used, kBlock, name);
    used += got;
    if (used > most) fail_wanted(ErrorKind::kFormat, name, str("at most ", most, " bytes"), "more");
    if (got == 0) {
      text.resize(used);
      return text;
    }
  }
}

}  // namespace

std::string read_all(const std::string& file, std::size_t most) {
  return agreed(leads() ? read_here(file, most) : std::string());
}

std::optional<std::string> read_line() {
  static std::array<char, kBlock> block;
  static std::size_t at = 0;
  static std::size_t filled = 0;
  std::string line;
  for (;;) {
    if (at == filled) {
      flush_out();      // whoever gives us the next line may want to see this one's answer first
      at = filled = 0;  // an interrupted read leaves nothing of an earlier line
      filled = read_block(STDIN_FILENO, block.data(), kBlock, "standard input");
      if (filled == 0) return line.empty() ? std::nullopt : std::optional(line);
    }
    const char* start = block.data() + at;
    const char* end = static_cast<const char*>(std::memchr(start, '\n', filled - at));
    line.append(start, end == nullptr ? filled - at : static_cast<std::size_t>(end - start));
    at = end == nullptr ? filled : static_cast<std::size_t>(end - block.data()) + 1;
    if (end == nullptr) continue;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return line;
  }
}

std::string without_last_line_end(std::string text) {
  if (text.ends_with("\r\n")) {
    text.resize(text.size() - 2);
  } else if (text.ends_with('\n')) {
    text.pop_back();
  }
  return text;
}

}  // namespace xlstm::apps
