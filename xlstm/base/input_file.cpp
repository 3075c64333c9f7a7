#include "xlstm/base/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "xlstm/base/system.h"

namespace xlstm {
namespace {

// Size in bytes of a regular file; anything else is an error.
std::uint64_t size_of_file(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) fail_system(path, "read its size", errno);
  if (S_ISREG(status.st_mode)) return static_cast<std::uint64_t>(status.st_size);
  fail_wanted(ErrorKind::kFile, path.string(), "a file",
              S_ISDIR(status.st_mode) ? "a folder" : "a device, pipe or socket");
}

}  // namespace

InputFile::InputFile(const std::filesystem::path& path)
    : path_(path),
      // Without O_NONBLOCK, opening a pipe would wait for a writer.
      descriptor_(
          uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); })) {
  if (descriptor_ < 0) fail_system(path, "open", errno);
  try {
    size_ = size_of_file(descriptor_, path);
  } catch (...) {  // no destructor runs for what is not made yet
    ::close(descriptor_);
    throw;
  }
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(std::exchange(other.size_, 0)) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

void InputFile::read(std::uint64_t offset, std::span<std::byte> to) const {
  while (!to.empty()) {
    const std::size_t wanted = std::min(to.size(), kMostBytesPerCall);
    const ssize_t got = uninterrupted(
        [&] { return ::pread(descriptor_, to.data(), wanted, static_cast<off_t>(offset)); });
    if (got < 0) fail_system(path_, "read", errno);
    if (got == 0) {
      fail_wanted(ErrorKind::kFile, path_.string(),
                  str("the ", size_, " bytes that it had when it was opened"),
                  str(offset, ": was it cut short meanwhile?"));
    }
    offset += static_cast<std::uint64_t>(got);
    to = to.subspan(static_cast<std::size_t>(got));
  }
}

std::string whole_file(const std::filesystem::path& path, std::uint64_t most) {
  const InputFile file(path);
  if (file.size() > most) {
    fail_wanted(ErrorKind::kFormat, path.string(), str("at most ", most, " bytes"),
                str(file.size()));
  }
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace xlstm
