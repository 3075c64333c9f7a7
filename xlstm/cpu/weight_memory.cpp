#include "xlstm/cpu/weight_memory.h"

#include <algorithm>
#include <new>
#include <utility>

#include "xlstm/base/ceil_div.h"
#include "xlstm/base/error.h"
#include "xlstm/base/large_pages.h"
#include "xlstm/base/memory.h"

namespace xlstm::cpu {
namespace {

constexpr std::uint64_t kLine = 64;

}  // namespace

struct CpuWeightMemory::Piece {
  // Starts at a multiple of `alignment`.
  Piece(std::shared_ptr<Workspace> counted_by, std::uint64_t bytes, std::uint64_t alignment)
      : workspace(std::move(counted_by)), size(bytes), align(std::align_val_t{alignment}) {
    memory = static_cast<std::byte*>(
        ::operator new(static_cast<std::size_t>(size), align, std::nothrow));
    if (memory == nullptr) {
      fail_wanted(ErrorKind::kMemory, "weights", str(human_bytes(size), " (", size, " bytes)"),
                  "none left");
    }
    workspace->count_other(static_cast<std::int64_t>(size));
  }
  ~Piece() {
    workspace->count_other(-static_cast<std::int64_t>(size));
    ::operator delete(memory, align);
  }
  Piece(const Piece&) = delete;
  Piece& operator=(const Piece&) = delete;

  std::shared_ptr<Workspace> workspace;
  std::uint64_t size;
  std::align_val_t align;
  std::byte* memory;
};

struct CpuWeightMemory::Part : CpuData {
  Part(std::shared_ptr<Piece> of, std::uint64_t at) : piece(std::move(of)) {
    bytes = piece->memory + at;
  }
  std::shared_ptr<Piece> piece;
};

CpuWeightMemory::CpuWeightMemory(std::shared_ptr<Workspace> workspace, std::uint64_t bytes,
                                 std::uint64_t tensors)
    : workspace_(std::move(workspace)) {
  const std::uint64_t large = large_page_bytes();
  if (large == 0 || bytes == 0) return;
  size_ = bytes + tensors * kLine;
  piece_ = std::make_shared<Piece>(workspace_, size_, size_ >= large ? large : kLine);
  if (size_ >= large) prefer_large_pages({piece_->memory, static_cast<std::size_t>(size_)});
}

Tensor CpuWeightMemory::take(const TensorShape& shape, DType dtype, std::string_view where) {
  const std::uint64_t bytes = static_cast<std::uint64_t>(shape.elements()) * size_of(dtype);
  if (!piece_ || bytes > size_ - used_) {
    return {shape, dtype, workspace_->take(static_cast<std::size_t>(bytes), where)};
  }
  Tensor tensor(shape, dtype, std::make_shared<Part>(piece_, used_));
  used_ += std::min<std::uint64_t>(round_up(bytes, kLine), size_ - used_);
  return tensor;
}

}  // namespace xlstm::cpu
