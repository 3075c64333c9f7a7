// A copy of its own for each rank, on any host, kept alike by messages.
#pragma once

#include <atomic>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "xlstm/group/region.h"
#include "xlstm/group/socket.h"

namespace xlstm {

// What this rank says goes to all others; a thread of its own keeps what they say.
class TcpRegion final : public Region {
 public:
  // Returns when all are connected. Throws as connect_ranks() (tcp_joining.h).
  explicit TcpRegion(const Rendezvous& place);
  ~TcpRegion() override;

  void bring(int rank, std::uint32_t round, std::uint64_t bytes,
             std::span<const std::byte> piece) override;
  void leave(int rank) noexcept override;
  std::string_view end_of(int rank) const override;

 private:
  enum class End { kNone, kClosed, kSilent, kNonsense };
  struct Peer;

  void listen() noexcept;
  void hear(Peer& peer) noexcept;
  void lose(Peer& peer, End how) noexcept;
  template <typename GoesOn>
  void say(std::span<const std::byte> head, std::span<const std::byte> body,
           const GoesOn& goes_on) noexcept;

  const int own_;
  std::vector<std::unique_ptr<Peer>> peers_;  // by rank; none for this one
  std::vector<std::byte> heard_;
  Socket wakes_, woken_;  // the listener, when nothing is written any more
  std::thread listener_;
};

}  // namespace xlstm
