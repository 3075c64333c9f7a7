#include "xlstm/group/tcp_region.h"

#include <poll.h>

#include <cerrno>
#include <chrono>
#include <tuple>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/system.h"
#include "xlstm/group/tcp_frames.h"
#include "xlstm/group/tcp_joining.h"
#include "xlstm/group/without_signals.h"

namespace xlstm {
namespace {

constexpr std::size_t kMostHeard = 1 << 16;  // bytes at a time
// What was said last is to arrive: a connection that is closed with something unread is reset.
constexpr std::chrono::seconds kToBeHeard{2};
constexpr std::chrono::seconds kToSayGoodbye{1};

}  // namespace

struct TcpRegion::Peer {
  Peer(Socket connection, Region& region, int own, int its_rank)
      : socket(std::move(connection)), reader(region, own, its_rank), rank(its_rank) {}

  const Socket socket;
  FrameReader reader;
  const int rank;
  std::atomic<End> end{End::kNone};  // without having left
  bool speaks = true;                // the listener's: there is more to hear
  bool hears = true;                 // the speaker's: the connection takes what is said
};

TcpRegion::TcpRegion(const Rendezvous& place) : own_(place.rank), heard_(kMostHeard) {
  map(-1, place.size);
  begin(place.size);
  std::vector<Socket> sockets = connect_ranks(place);
  for (std::size_t rank = 0; rank < sockets.size(); ++rank) {
    peers_.push_back(sockets[rank] ? std::make_unique<Peer>(std::move(sockets[rank]), *this, own_,
                                                            static_cast<int>(rank))
                                   : nullptr);
  }
  std::tie(wakes_, woken_) = socket_pair();
  listener_ = without_signals([this] { listen(); });
}

TcpRegion::~TcpRegion() {
  for (const auto& peer : peers_) {
    if (peer != nullptr) end_sending(peer->socket);
  }
  wakes_ = Socket();
  listener_.join();
}

template <typename GoesOn>
void TcpRegion::say(std::span<const std::byte> head, std::span<const std::byte> body,
                    const GoesOn& goes_on) noexcept {
  for (const auto& peer : peers_) {
    if (peer == nullptr || !peer->hears) continue;
    const auto is_there = [&] {
      return rank(peer->rank).left == 0 && peer->end == End::kNone && goes_on();
    };
    peer->hears = send_all(peer->socket, head, body, is_there);
    // It is not to take the rest of this for the beginning of something else.
    if (!peer->hears) end_sending(peer->socket);
  }
}

void TcpRegion::bring(int rank, std::uint32_t round, std::uint64_t bytes,
                      std::span<const std::byte> piece) {
  Region::bring(rank, round, bytes, piece);
  const auto head =
      packed(Frame{Frame::kRound, round, bytes, static_cast<std::uint32_t>(piece.size())});
  // Where one has failed, the others may listen no more.
  say(head, piece, [&] { return header().failed == 0; });
}

// Whoever hears of the end hears the reason first, by whichever way.
void TcpRegion::leave(int rank) noexcept {
  if (this->rank(rank).left.exchange(1) != 0) return;
  const auto until = SocketClock::now() + kToSayGoodbye;
  const auto goes_on = [until] { return SocketClock::now() < until; };
  if (header().failed != 0 && header().failure_told != 0) {
    const std::string_view what = header().failure.data();
    const auto kind = static_cast<ErrorKind>(header().failure_kind);
    say(head_of_failure(header().failed - 1U, kind, what), std::as_bytes(std::span(what)), goes_on);
  }
  say(packed(Frame{}), {}, goes_on);
}

std::string_view TcpRegion::end_of(int rank) const {
  const auto& peer = peers_[static_cast<std::size_t>(rank)];
  switch (peer == nullptr ? End::kNone : peer->end.load()) {
    case End::kNone:
      return "";
    case End::kClosed:
      return "its connection ended without a word";
    case End::kSilent:
      return "its host no longer answers";
    case End::kNonsense:
      break;
  }
  return "it says what no rank of this version of xlstm does";
}

// Until nobody says more; once this rank ends, for as long as they need to hear it.
void TcpRegion::listen() noexcept {
  std::array<pollfd, kMostRanks + 1> watched;
  auto until = SocketClock::time_point::max();
  for (bool ends = false;;) {
    std::size_t count = 0;
    for (const auto& peer : peers_) {
      if (peer != nullptr && peer->speaks) watched[count++] = {peer->socket.number(), POLLIN, 0};
    }
    if (count == 0 || SocketClock::now() > until) return;
    const std::size_t at_wake = count;
    if (!ends) watched[count++] = {woken_.number(), POLLIN, 0};
    constexpr int kLook = 50;  // milliseconds
    uninterrupted(
        [&] { return ::poll(watched.data(), static_cast<nfds_t>(count), ends ? kLook : -1); });
    if (!ends && watched[at_wake].revents != 0) {
      ends = true;
      until = SocketClock::now() + kToBeHeard;
    }
    std::size_t at = 0;
    for (const auto& peer : peers_) {
      if (peer == nullptr || !peer->speaks) continue;
      if (watched[at++].revents != 0) hear(*peer);
    }
  }
}

void TcpRegion::hear(Peer& peer) noexcept {
  const ssize_t count = read_some(peer.socket, heard_);
  if (count > 0) {
    if (!peer.reader.take(std::span(heard_).first(static_cast<std::size_t>(count)))) {
      lose(peer, End::kNonsense);
    }
  } else if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
    const bool silent = count < 0 && errno != ECONNRESET && errno != EPIPE;
    lose(peer, silent ? End::kSilent : End::kClosed);
  }
}

void TcpRegion::lose(Peer& peer, End how) noexcept {
  peer.speaks = false;
  if (rank(peer.rank).left == 0) peer.end = how;
  end_sending(peer.socket);  // it need not wait for more
}

}  // namespace xlstm
