#include "xlstm/base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "xlstm/base/system.h"

namespace xlstm {
namespace {

// An open file, closed at the end of its scope: a mapping outlives it.
struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

// Size in bytes of a regular file; anything else is an error.
std::size_t size_of_file(const Descriptor& file, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(file.value, &status) != 0) fail_system(path, "read its size", errno);
  if (S_ISREG(status.st_mode)) return static_cast<std::size_t>(status.st_size);
  fail_wanted(ErrorKind::kFile, path.string(), "a file",
              S_ISDIR(status.st_mode) ? "a folder" : "a device, pipe or socket");
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  // Without O_NONBLOCK, opening a pipe would wait for a writer.
  const Descriptor file{
      uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); })};
  if (file.value < 0) fail_system(path, "open", errno);
  size_ = size_of_file(file, path);
  if (size_ == 0) return;  // nothing to map, and mmap refuses to
  void* data = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.value, 0);
  if (data == MAP_FAILED) fail_system(path, "map into memory", errno);
  data_ = static_cast<const std::byte*>(data);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void MappedFile::release(std::span<const std::byte> part) const {
  if (part.empty()) return;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(part.data());
  // A file's last page holds nothing else, so a part that ends with the file ends with that page.
  const bool to_the_end = part.data() + part.size() == data_ + size_;
  const std::uintptr_t end = begin + part.size() + (to_the_end ? page - 1 : 0);
  const std::uintptr_t first = (begin + page - 1) / page * page;
  const std::uintptr_t last = end / page * page;
  // Only a hint: whether it is taken changes nothing that can be read.
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace xlstm
