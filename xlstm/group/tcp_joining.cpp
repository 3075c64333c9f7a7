#include "xlstm/group/tcp_joining.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <span>
#include <system_error>
#include <thread>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/group/little_endian.h"
#include "xlstm/group/tcp_door.h"
#include "xlstm/group/tcp_frames.h"

namespace xlstm {
namespace {

constexpr std::chrono::milliseconds kCallAgain{20};
constexpr std::chrono::seconds kToAnswer{10};  // a call
constexpr std::chrono::seconds kForRank0{5};   // which says more of who is missing
constexpr std::chrono::seconds kToTell{1};

constexpr int kNoAddress = -2;  // beside errnos and kConnectionEnded

std::string reason(int error) {
  if (error == kNoAddress) return "no address of that name for now";
  if (error == kConnectionEnded) return "the end of the connection";
  return std::generic_category().message(error);
}

// A rank but the first.
class Joining {
 public:
  explicit Joining(const Rendezvous& place)
      : place_(place),
        where_(place.address->text()),
        size_(static_cast<std::uint32_t>(place.size)),
        end_(SocketClock::now() + place.patience) {
    sockets_.resize(size_);
  }

  std::vector<Socket> all() {
    std::vector<Seat> seats;
    for (int error = ECONNREFUSED;; std::this_thread::sleep_for(kCallAgain)) {
      Socket first = call_rank_0(error);
      if (first) {
        Door door(listen_beside(first));
        if (ask_for_seats(first, door.port(), seats, error)) {
          sockets_.front() = std::move(first);
          try {
            call_lower(seats);
            hear_higher(door);
          } catch (const Error& error_here) {
            tell_failure(error_here);
            throw;
          }
          return std::move(sockets_);
        }
      }
      if (SocketClock::now() > end_) {
        fail_wanted(ErrorKind::kUsage, where_,
                    str("rank 0 of ", size_, " to listen there ", seconds_of(place_)),
                    reason(error));
      }
    }
  }

 private:
  // None, and why, where nobody answers now.
  Socket call_rank_0(int& error) const {
    error = kNoAddress;
    for (const SocketAddress& address : addresses_of(*place_.address)) {
      const auto until = std::min(end_, SocketClock::now() + kToAnswer);
      if (Socket socket = call(address, until, error)) return socket;
    }
    return {};
  }

  // On the interface by which rank 0 is reached, where the place names one.
  Socket listen_beside(const Socket& first) const {
    std::vector<SocketAddress> at;
    if (is_one_interface(place_.address->host)) at = {own_address(first)};
    return listen_at(std::move(at), 0, where_);
  }

  Hello hello(int port) const {
    return {.rank = static_cast<std::uint32_t>(place_.rank),
            .size = size_,
            .port = static_cast<std::uint32_t>(port),
            .token = token_};
  }

  // False, and why, where the connection ends before rank 0 says a word: what forwards connections
  // may be there before it.
  bool ask_for_seats(const Socket& first, int port, std::vector<Seat>& seats, int& error) {
    const auto end = end_ + kForRank0;
    send_all(first, packed(hello(port)), end);
    Answer answer;
    error = receive_answer(first, end, answer);
    if (error == ETIMEDOUT) {
      fail_wanted(ErrorKind::kUsage, where_, str("all ", size_, " ranks ", seconds_of(place_)),
                  "rank 0 without some of them");
    }
    if (error != 0) return false;
    if (answer.kind != Answer::kWelcome) refused(answer);
    token_ = answer.token;
    std::vector<std::byte> bytes(size_ * Seat::kBytes);
    error = receive_all(first, bytes, end);
    if (error != 0) return false;
    std::span<const std::byte> from = bytes;
    seats.resize(size_);
    for (Seat& seat : seats) {
      take_bytes(from, seat.ip);
      seat.port = take_number<std::uint32_t>(from);
      seat.with_rank_0 = take_number<std::uint32_t>(from);
    }
    return true;
  }

  // 0 or why there is none.
  int receive_answer(const Socket& socket, SocketClock::time_point end, Answer& out) const {
    std::array<std::byte, Answer::kBytes> bytes;
    const auto greeting = std::span(bytes).first<kGreeting>();
    if (const int error = receive_all(socket, greeting, end); error != 0) return error;
    const auto protocol = protocol_of(greeting);
    if (protocol != kTcpProtocol) {
      fail_wanted(protocol ? ErrorKind::kUsage : ErrorKind::kNetwork, where_,
                  str("xlstm of one version on all hosts, which meet by protocol ", kTcpProtocol),
                  protocol ? str("protocol ", *protocol) : std::string("another program's answer"));
    }
    const auto rest = std::span(bytes).subspan(kGreeting);
    if (const int error = receive_all(socket, rest, end); error != 0) return error;
    out = unpacked_answer(bytes);
    return 0;
  }

  [[noreturn]] void refused(const Answer& answer) const {
    std::string wanted = str("all ", size_, " ranks ", seconds_of(place_));
    std::string got = "the end of rank 0, which says why";
    if (answer.kind == Answer::kMissing) {
      got = str("no rank ", answer.number);
    } else if (answer.kind == Answer::kOtherSize) {
      wanted = str("rank 0 of ", size_);
      got = str("rank 0 of ", answer.number);
    } else if (answer.kind == Answer::kTaken) {
      wanted = "each rank once";
      got = str("another rank ", place_.rank);
    }
    fail_wanted(ErrorKind::kUsage, where_, wanted, got);
  }

  void call_lower(const std::vector<Seat>& seats) {
    const SocketAddress rank_0 = address_of_peer(sockets_.front());
    for (int rank = 1; rank < place_.rank; ++rank) {
      const Seat& seat = seats[static_cast<std::size_t>(rank)];
      const SocketAddress address(seat.with_rank_0 != 0 ? rank_0.ip() : seat.ip,
                                  static_cast<int>(seat.port), rank_0.scope());
      const auto end = SocketClock::now() + kToAnswer;
      int error = 0;
      Socket socket = call(address, end, error);
      Answer answer;
      if (socket) {
        error = send_all(socket, packed(hello(0)), end) ? receive_answer(socket, end, answer)
                                                        : kConnectionEnded;
      }
      if (socket && error == 0 && answer.token == token_) {
        sockets_[static_cast<std::size_t>(rank)] = std::move(socket);
        continue;
      }
      fail_wanted(ErrorKind::kNetwork, where_,
                  str("rank ", place_.rank, " to reach rank ", rank, " at ", address.text(),
                      " (ranks listen at ports that their systems choose: no firewall may be "
                      "between them)"),
                  error == 0 ? std::string("another answer") : reason(error));
    }
  }

  void hear_higher(Door& door) {
    const auto end = SocketClock::now() + place_.patience;
    for (;;) {
      const auto missing = std::find_if(sockets_.begin() + place_.rank + 1, sockets_.end(),
                                        [](const Socket& socket) { return !socket; });
      if (missing == sockets_.end()) return;
      if (SocketClock::now() > end || has_ended(sockets_.front())) {
        fail_wanted(ErrorKind::kNetwork, where_,
                    str("a call from rank ", missing - sockets_.begin(), " ", seconds_of(place_)),
                    SocketClock::now() > end ? "none" : "the end of rank 0");
      }
      auto guest = door.next();
      if (!guest || guest->hello.protocol != kTcpProtocol || guest->hello.token != token_) continue;
      const std::uint32_t rank = guest->hello.rank;
      if (rank >= size_ || static_cast<int>(rank) <= place_.rank || sockets_[rank]) continue;
      send_all(guest->socket, packed(Answer{.token = token_}), SocketClock::now() + kToTell);
      sockets_[rank] = std::move(guest->socket);
    }
  }

  // Those that are connected may have begun.
  void tell_failure(const Error& error) const {
    const auto what = std::string_view(error.what()).substr(0, RegionHeader::kMostMessage - 1);
    const auto text = std::as_bytes(std::span(what));
    const auto head = head_of_failure(static_cast<std::uint32_t>(place_.rank), error.kind(), what);
    const auto end = SocketClock::now() + kToTell;
    for (const Socket& socket : sockets_) {
      if (!socket) continue;
      send_all(socket, head, text, [end] { return SocketClock::now() < end; });
      end_sending(socket);
    }
    // A connection that is closed with something unread is reset, and what was said may be lost.
    std::array<std::byte, 4096> unread;
    for (const Socket& socket : sockets_) {
      while (socket && receive_all(socket, unread, end) == 0) {
      }
    }
  }

  const Rendezvous& place_;
  const std::string where_;
  const std::uint32_t size_;
  const SocketClock::time_point end_;
  RunToken token_{};
  std::vector<Socket> sockets_;
};

}  // namespace

std::vector<Socket> connect_ranks(const Rendezvous& place) {
  return place.rank == 0 ? gather_ranks(place) : find_ranks(place);
}

std::vector<Socket> find_ranks(const Rendezvous& place) {
  return Joining(place).all();
}

}  // namespace xlstm
