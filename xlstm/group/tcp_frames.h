// What ranks say over a connection once they know each other.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "xlstm/base/error.h"
#include "xlstm/group/region.h"

namespace xlstm {

// A head, and `length` bytes after it.
struct Frame {
  enum Kind : std::uint32_t {
    kRound = 1,  // the piece that the rank comes with to meeting `number`, of `bytes` in all
    kFailure,    // why rank `bytes` failed, an error of kind `number`
    kLeave,      // it comes to no more
  };
  static constexpr std::size_t kHead = 20;

  std::uint32_t kind = kLeave, number = 0;
  std::uint64_t bytes = 0;
  std::uint32_t length = 0;
};

using FrameHead = std::array<std::byte, Frame::kHead>;
FrameHead packed(const Frame& frame);
// Before the text of why rank `rank` failed.
FrameHead head_of_failure(std::uint32_t rank, ErrorKind kind, std::string_view text);
Frame unpacked(const FrameHead& head);

// Puts together what one rank says from what comes of it at a time, and keeps it in a region.
class FrameReader {
 public:
  FrameReader(Region& region, int own, int rank) : region_(region), own_(own), rank_(rank) {}
  // False where no rank of this version says such a thing: then nothing more can be understood.
  bool take(std::span<const std::byte> bytes);

 private:
  bool begin();
  void finish();

  Region& region_;
  int own_, rank_;
  FrameHead head_{};
  std::size_t got_ = 0;  // of the head, then of what follows
  std::optional<Frame> frame_;
  std::span<std::byte> to_;
  std::array<std::byte, RegionHeader::kMostMessage> message_{};
};

}  // namespace xlstm
