#include "xlstm/group/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/system.h"

namespace xlstm {
namespace {

// What systems have of these differs; where one is missing, the program ignores SIGPIPE.
#ifdef MSG_NOSIGNAL
constexpr int kQuiet = MSG_NOSIGNAL;
#else
constexpr int kQuiet = 0;
#endif
#ifdef POLLRDHUP
constexpr short kEnd = POLLRDHUP;
#else
constexpr short kEnd = 0;
#endif

constexpr int kWaiting = 64;    // callers that nobody has answered yet
constexpr int kAskAgain = 100;  // milliseconds

// A host that is switched off says nothing: found out by asking it (seconds), also where it leaves
// what was sent unanswered (milliseconds).
constexpr int kSilence = 20, kBetweenAsking = 5, kTimesAsked = 4, kUnanswered = 60'000;

void set(const Socket& socket, int level, int option, int value) {
  ::setsockopt(socket.number(), level, option, &value, sizeof value);
}

Socket prepared(Socket socket) {
  if (!socket) return socket;
  ::fcntl(socket.number(), F_SETFD, FD_CLOEXEC);
  ::fcntl(socket.number(), F_SETFL, O_NONBLOCK);
#ifdef SO_NOSIGPIPE
  set(socket, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
  return socket;
}

Socket as_connection(Socket socket) {
  set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
  set(socket, IPPROTO_TCP, TCP_KEEPIDLE, kSilence);
#endif
#ifdef TCP_KEEPINTVL
  set(socket, IPPROTO_TCP, TCP_KEEPINTVL, kBetweenAsking);
  set(socket, IPPROTO_TCP, TCP_KEEPCNT, kTimesAsked);
#endif
#ifdef TCP_USER_TIMEOUT
  set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, kUnanswered);
#endif
  return socket;
}

int milliseconds_until(SocketClock::time_point end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - SocketClock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000));
}

// What happened of `events`, or an end; 0: nothing in that time.
short wait_for(const Socket& socket, short events, int milliseconds) {
  pollfd one{socket.number(), events, 0};
  uninterrupted([&] { return ::poll(&one, 1, milliseconds); });
  return one.revents;
}

template <typename Ask>
SocketAddress address_by(const Ask& ask, const Socket& connection) {
  sockaddr_storage storage = {};
  socklen_t length = sizeof storage;
  if (ask(connection.number(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return {reinterpret_cast<const sockaddr*>(&storage), length};
}

// 0 or an errno.
int try_to_listen(const SocketAddress& address, Socket& out) {
  out = prepared(Socket(::socket(address.family(), SOCK_STREAM, 0)));
  if (!out) return errno;
  set(out, SOL_SOCKET, SO_REUSEADDR, 1);  // what an earlier run's connections left behind
  if (address.family() == AF_INET6) set(out, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  const bool listens = ::bind(out.number(), address.get(), address.length()) == 0 &&
                       ::listen(out.number(), kWaiting) == 0;
  return listens ? 0 : errno;
}

}  // namespace

Socket::Socket(Socket&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Socket::~Socket() {
  if (number_ >= 0) ::close(number_);
}

SocketAddress own_address(const Socket& connection) {
  return address_by(::getsockname, connection);
}

SocketAddress address_of_peer(const Socket& connection) {
  return address_by(::getpeername, connection);
}

std::pair<Socket, Socket> socket_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) {
    fail_system("group", "connect two sockets", errno);
  }
  return {prepared(Socket(ends[0])), prepared(Socket(ends[1]))};
}

Socket listen_at(std::vector<SocketAddress> addresses, int port, const std::string& where) {
  const bool anywhere = addresses.empty();
  if (anywhere) addresses = {{kAnyIp, port, 0}, {kAnyIpv4, port, 0}};
  Socket out;
  int error = 0;
  std::string at;
  for (const SocketAddress& address : addresses) {
    at = anywhere ? str("port ", port) : address.with_port(port).text();
    error = try_to_listen(address.with_port(port), out);
    if (error != EAFNOSUPPORT && error != EADDRNOTAVAIL) break;
  }
  if (error == 0) return out;
  fail(ErrorKind::kNetwork, where,
       str("cannot listen at ", at, ": ", std::generic_category().message(error)));
}

Socket next_caller(const Socket& listener) {
  const int number = uninterrupted([&] { return ::accept(listener.number(), nullptr, nullptr); });
  return number < 0 ? Socket() : as_connection(prepared(Socket(number)));
}

Socket call(const SocketAddress& address, SocketClock::time_point end, int& error) {
  Socket out = prepared(Socket(::socket(address.family(), SOCK_STREAM, 0)));
  error = errno;
  if (!out) return out;
  error = ::connect(out.number(), address.get(), address.length()) == 0 ? 0 : errno;
  if (error == EINPROGRESS || error == EINTR) {
    error = ETIMEDOUT;
    socklen_t length = sizeof error;
    if (wait_for(out, POLLOUT, milliseconds_until(end)) != 0) {
      ::getsockopt(out.number(), SOL_SOCKET, SO_ERROR, &error, &length);
    }
  }
  // The port that it calls from may be the one that it calls, where nobody listens.
  if (error == 0 && own_address(out) == address_of_peer(out)) error = ECONNREFUSED;
  return error == 0 ? as_connection(std::move(out)) : Socket();
}

bool has_ended(const Socket& connection) {
  return (wait_for(connection, kEnd, 0) & (kEnd | POLLHUP | POLLERR)) != 0;
}

bool wait_to_read(const Socket& connection, SocketClock::time_point end) {
  return wait_for(connection, POLLIN, milliseconds_until(end)) != 0;
}

ssize_t read_some(const Socket& connection, std::span<std::byte> to) {
  return uninterrupted([&] { return ::recv(connection.number(), to.data(), to.size(), 0); });
}

int receive_all(const Socket& connection, std::span<std::byte> to, SocketClock::time_point end) {
  while (!to.empty()) {
    const ssize_t count = read_some(connection, to);
    if (count == 0) return kConnectionEnded;
    if (count > 0) {
      to = to.subspan(static_cast<std::size_t>(count));
    } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
      return errno;
    } else if (!wait_to_read(connection, end)) {
      return ETIMEDOUT;
    }
  }
  return 0;
}

ssize_t send_some(const Socket& connection, std::span<const std::byte> head,
                  std::span<const std::byte> body) {
  std::array<iovec, 2> parts = {iovec{const_cast<std::byte*>(head.data()), head.size()},
                                iovec{const_cast<std::byte*>(body.data()), body.size()}};
  msghdr message = {};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  const ssize_t sent =
      uninterrupted([&] { return ::sendmsg(connection.number(), &message, kQuiet); });
  return sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) ? 0 : sent;
}

bool wait_to_send(const Socket& connection) {
  return wait_for(connection, POLLOUT, kAskAgain) != 0;
}

bool send_all(const Socket& connection, std::span<const std::byte> bytes,
              SocketClock::time_point end) {
  return send_all(connection, bytes, {}, [end] { return SocketClock::now() < end; });
}

void end_sending(const Socket& connection) {
  ::shutdown(connection.number(), SHUT_WR);
}

}  // namespace xlstm
