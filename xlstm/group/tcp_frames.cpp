#include "xlstm/group/tcp_frames.h"

#include <algorithm>
#include <cstring>

#include "xlstm/group/little_endian.h"

namespace xlstm {

FrameHead packed(const Frame& frame) {
  FrameHead out;
  std::span<std::byte> to = out;
  put_number(to, frame.kind);
  put_number(to, frame.number);
  put_number(to, frame.bytes);
  put_number(to, frame.length);
  return out;
}

FrameHead head_of_failure(std::uint32_t rank, ErrorKind kind, std::string_view text) {
  return packed({Frame::kFailure, static_cast<std::uint32_t>(kind), rank,
                 static_cast<std::uint32_t>(text.size())});
}

Frame unpacked(const FrameHead& head) {
  std::span<const std::byte> from = head;
  Frame out;
  out.kind = take_number<std::uint32_t>(from);
  out.number = take_number<std::uint32_t>(from);
  out.bytes = take_number<std::uint64_t>(from);
  out.length = take_number<std::uint32_t>(from);
  return out;
}

bool FrameReader::take(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::span<std::byte> to = frame_ ? to_ : std::span<std::byte>(head_);
    const std::size_t count = std::min(bytes.size(), to.size() - got_);
    if (count > 0) std::memcpy(to.data() + got_, bytes.data(), count);
    got_ += count;
    bytes = bytes.subspan(count);
    if (got_ < to.size()) continue;
    if (!frame_) {
      frame_ = unpacked(head_);
      if (!begin()) return false;
      got_ = 0;
    }
    if (got_ < to_.size()) continue;
    finish();
    frame_.reset();
    got_ = 0;
  }
  return true;
}

// Whether the frame can be, and where what follows its head goes to.
bool FrameReader::begin() {
  const RankRecord& its = region_.rank(rank_);
  to_ = {};
  switch (frame_->kind) {
    case Frame::kRound: {
      // Nobody is two meetings ahead: that slot is still read.
      const std::uint32_t ahead = frame_->number - region_.rank(own_).round;
      if (frame_->number != its.round + 1 || static_cast<std::int32_t>(ahead) > 1) return false;
      if (its.left != 0 || frame_->length > std::min<std::uint64_t>(Region::kSlot, frame_->bytes)) {
        return false;
      }
      to_ = region_.slot(rank_, frame_->number).first(frame_->length);
      return true;
    }
    case Frame::kFailure:
      if (frame_->length >= message_.size()) return false;
      to_ = std::span(message_).first(frame_->length);
      return frame_->bytes < region_.header().size &&
             frame_->number <= static_cast<std::uint32_t>(ErrorKind::kInternal);
    case Frame::kLeave:
      return frame_->length == 0;
    default:
      return false;
  }
}

void FrameReader::finish() {
  if (frame_->kind == Frame::kRound) {
    RankRecord& its = region_.rank(rank_);
    its.bytes[frame_->number % 2] = frame_->bytes;
    its.round.store(frame_->number, std::memory_order_release);
  } else if (frame_->kind == Frame::kFailure) {
    region_.note_failure(static_cast<int>(frame_->bytes), static_cast<ErrorKind>(frame_->number),
                         {reinterpret_cast<const char*>(to_.data()), to_.size()});
  } else {
    region_.rank(rank_).left = 1;
  }
}

}  // namespace xlstm
