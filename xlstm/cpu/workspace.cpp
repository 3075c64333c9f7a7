#include "xlstm/cpu/workspace.h"

#include <algorithm>
#include <new>

#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"

namespace xlstm::cpu {
namespace {

constexpr std::align_val_t kAlignment{128};

std::byte* new_block(std::size_t size) noexcept {
  return static_cast<std::byte*>(::operator new(size, kAlignment, std::nothrow));
}

void free_block(std::byte* bytes) noexcept {
  ::operator delete(bytes, kAlignment);
}

}  // namespace

struct Workspace::Block : CpuData {
  Block(std::shared_ptr<Workspace> from, std::byte* memory, std::size_t of_class)
      : workspace(std::move(from)), size_class(of_class) {
    bytes = memory;
  }
  ~Block() override { workspace->give_back(bytes, size_class); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  std::shared_ptr<Workspace> workspace;
  std::size_t size_class;
};

Workspace::~Workspace() {
  drop_cache();
}

std::shared_ptr<CpuData> Workspace::take(std::size_t bytes, std::string_view where) {
  const std::size_t size_class = bytes > SIZE_MAX / 4 ? kSizeClasses : size_class_of(bytes);
  std::byte* memory = nullptr;
  if (size_class < kSizeClasses) {
    const std::lock_guard lock(mutex_);
    const std::size_t size = size_of_class(size_class);
    if (!free_[size_class].empty()) {
      memory = free_[size_class].back();
      free_[size_class].pop_back();
      use_.cache -= size;
    } else {
      memory = new_block(size);
      if (memory == nullptr) {  // blocks of other sizes may be what is in the way
        free_cache();
        memory = new_block(size);
      }
    }
    if (memory != nullptr) {
      use_.active += size;
      use_.peak = std::max(use_.peak, use_.active);
    }
  }
  if (memory == nullptr) {
    fail_wanted(ErrorKind::kMemory, where, str(human_bytes(bytes), " (", bytes, " bytes)"),
                "none left");
  }
  try {
    return std::make_shared<Block>(shared_from_this(), memory, size_class);
  } catch (...) {
    give_back(memory, size_class);
    throw;
  }
}

void Workspace::give_back(std::byte* bytes, std::size_t size_class) noexcept {
  const std::lock_guard lock(mutex_);
  const std::size_t size = size_of_class(size_class);
  use_.active -= size;
  try {
    free_[size_class].push_back(bytes);
    use_.cache += size;
  } catch (const std::bad_alloc&) {
    free_block(bytes);
  }
}

void Workspace::count_other(std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  use_.active += static_cast<std::uint64_t>(bytes);
  use_.peak = std::max(use_.peak, use_.active);
}

BackendMemory Workspace::memory() const {
  const std::lock_guard lock(mutex_);
  return use_;
}

void Workspace::drop_cache() noexcept {
  const std::lock_guard lock(mutex_);
  free_cache();
}

void Workspace::free_cache() noexcept {
  for (std::vector<std::byte*>& blocks : free_) {
    for (std::byte* const bytes : blocks) free_block(bytes);
    blocks.clear();
  }
  use_.cache = 0;
}

}  // namespace xlstm::cpu
