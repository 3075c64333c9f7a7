// Rank 0's part: it hears all others, then tells each where the others listen.
#include <algorithm>
#include <chrono>
#include <random>
#include <span>
#include <string>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/group/little_endian.h"
#include "xlstm/group/tcp_door.h"
#include "xlstm/group/tcp_joining.h"

namespace xlstm {
namespace {

constexpr std::chrono::seconds kToTell{2};

RunToken made_up() {
  std::random_device random;
  RunToken out;
  for (std::byte& each : out) each = static_cast<std::byte>(random());
  return out;
}

class Gathering {
 public:
  explicit Gathering(const Rendezvous& place)
      : place_(place), where_(place.address->text()), door_(listener()) {
    sockets_.resize(static_cast<std::size_t>(place.size));
    seats_.resize(sockets_.size());
  }

  std::vector<Socket> all() {
    const auto end = SocketClock::now() + place_.patience;
    while (!missing().empty()) {
      if (SocketClock::now() > end) miss();
      if (auto guest = door_.next()) admit(std::move(*guest));
    }
    tell_seats();
    return std::move(sockets_);
  }

  // Those that wait hear why they wait in vain.
  void send_away(const Answer& why) const {
    for (const Socket& socket : sockets_) {
      if (socket) tell(socket, packed(why));
    }
  }
  void send_away() const { send_away({.kind = Answer::kEnded}); }

 private:
  Socket listener() const {
    const HostAndPort& address = *place_.address;
    std::vector<SocketAddress> at;
    if (is_one_interface(address.host)) at = addresses_of(address);
    return listen_at(std::move(at), address.port, where_);
  }

  static void tell(const Socket& socket, std::span<const std::byte> bytes) {
    send_all(socket, bytes, SocketClock::now() + kToTell);
  }

  // Ranks that are not here; one whose connection has ended is not.
  std::vector<int> missing() {
    std::vector<int> out;
    for (std::size_t rank = 1; rank < sockets_.size(); ++rank) {
      if (sockets_[rank] && has_ended(sockets_[rank])) sockets_[rank] = Socket();
      if (!sockets_[rank]) out.push_back(static_cast<int>(rank));
    }
    return out;
  }

  [[noreturn]] void miss() {
    const std::vector<int> ranks = missing();
    send_away({.kind = Answer::kMissing, .number = static_cast<std::uint32_t>(ranks.front())});
    std::string names;
    for (const int rank : ranks) names += str(names.empty() ? "" : ", ", rank);
    sockets_.clear();
    fail_wanted(ErrorKind::kUsage, where_, str("all ", place_.size, " ranks ", seconds_of(place_)),
                str(ranks.size() > 1 ? "no ranks " : "no rank ", names));
  }

  void admit(Door::Guest guest) {
    const Hello& hello = guest.hello;
    const auto size = static_cast<std::uint32_t>(place_.size);
    if (hello.protocol != kTcpProtocol) {
      tell(guest.socket, packed(Answer{.kind = Answer::kEnded}));
      refuse(str("xlstm of one version on all hosts, which meet by protocol ", kTcpProtocol),
             str("protocol ", hello.protocol), guest.address);
    }
    if (hello.size != size) {
      tell(guest.socket, packed(Answer{.kind = Answer::kOtherSize, .number = size}));
      refuse(str("ranks of ", size), str("rank ", hello.rank, " of ", hello.size), guest.address);
    }
    if (hello.rank == 0 || hello.rank >= size || hello.port == 0 || hello.port > 65535) return;
    if (sockets_[hello.rank]) {
      tell(guest.socket, packed(Answer{.kind = Answer::kTaken}));
      refuse("each rank once", str("another rank ", hello.rank), guest.address);
    }
    seats_[hello.rank] = {guest.address.ip(), hello.port, guest.address.is_loopback() ? 1U : 0U};
    sockets_[hello.rank] = std::move(guest.socket);
  }

  [[noreturn]] void refuse(const std::string& wanted, const std::string& got,
                           const SocketAddress& from) const {
    fail_wanted(ErrorKind::kUsage, where_, wanted, str(got, ", from ", from.text()));
  }

  void tell_seats() const {
    const Answer welcome{.number = static_cast<std::uint32_t>(place_.size), .token = made_up()};
    const auto head = packed(welcome);
    std::vector<std::byte> bytes(head.size() + seats_.size() * Seat::kBytes);
    std::span<std::byte> to = bytes;
    put_bytes(to, head);
    for (const Seat& seat : seats_) {
      put_bytes(to, seat.ip);
      put_number(to, seat.port);
      put_number(to, seat.with_rank_0);
    }
    // One that does not take it is missed soon after.
    for (const Socket& socket : sockets_) {
      if (socket) tell(socket, bytes);
    }
  }

  const Rendezvous& place_;
  const std::string where_;
  Door door_;
  std::vector<Socket> sockets_;
  std::vector<Seat> seats_;
};

}  // namespace

std::vector<Socket> gather_ranks(const Rendezvous& place) {
  Gathering gathering(place);
  try {
    return gathering.all();
  } catch (...) {
    gathering.send_away();
    throw;
  }
}

}  // namespace xlstm
