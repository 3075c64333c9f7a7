// Connections by TCP, whose every wait has an end.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "xlstm/group/socket_address.h"

namespace xlstm {

using SocketClock = std::chrono::steady_clock;

// Never blocks by itself; programs that this one starts do not get it.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int number) : number_(number) {}  // takes it
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

SocketAddress own_address(const Socket& connection);
SocketAddress address_of_peer(const Socket& connection);

// Two ends of a connection within this process. Throws Error(kFile).
std::pair<Socket, Socket> socket_pair();

// At the first of `addresses` that this host has; without any at all of its own, by IPv6 where it
// has that. Port 0: one that the system chooses. Throws Error(kNetwork) with `where` in front.
Socket listen_at(std::vector<SocketAddress> addresses, int port, const std::string& where);
// The next that calls; none where nobody does now.
Socket next_caller(const Socket& listener);
// None, and why in `error`, where it does not succeed until `end`.
Socket call(const SocketAddress& address, SocketClock::time_point end, int& error);

// Whether the other side says no more, or is gone.
bool has_ended(const Socket& connection);
// Waits until there is something to read, or the end; false: `end` has come.
bool wait_to_read(const Socket& connection, SocketClock::time_point end);
// As recv(), without waiting.
ssize_t read_some(const Socket& connection, std::span<std::byte> to);

inline constexpr int kConnectionEnded = -1;
// 0, an errno (ETIMEDOUT: not until `end`), or kConnectionEnded.
int receive_all(const Socket& connection, std::span<std::byte> to, SocketClock::time_point end);

// Of both, one after the other, as much as the connection takes now; -1: it takes none any more.
ssize_t send_some(const Socket& connection, std::span<const std::byte> head,
                  std::span<const std::byte> body);
// For a while; false: it takes nothing yet.
bool wait_to_send(const Socket& connection);

// All of both. False where the connection does not take them: then it is of no more use. While it
// takes none, `goes_on` is asked now and then.
template <typename GoesOn>
bool send_all(const Socket& connection, std::span<const std::byte> head,
              std::span<const std::byte> body, const GoesOn& goes_on) {
  while (!head.empty() || !body.empty()) {
    const ssize_t sent = send_some(connection, head, body);
    if (sent < 0) return false;
    const std::size_t of_head = std::min(static_cast<std::size_t>(sent), head.size());
    head = head.subspan(of_head);
    body = body.subspan(static_cast<std::size_t>(sent) - of_head);
    if (sent == 0 && !wait_to_send(connection) && !goes_on()) return false;
  }
  return true;
}
bool send_all(const Socket& connection, std::span<const std::byte> bytes,
              SocketClock::time_point end);
// The other side finds the end after what was sent.
void end_sending(const Socket& connection);

}  // namespace xlstm
