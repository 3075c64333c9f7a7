#include "xlstm/group/tcp_door.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <span>
#include <utility>

#include "xlstm/base/system.h"

namespace xlstm {
namespace {

constexpr std::size_t kMostCallers = 128;  // who has not said who it is
constexpr std::chrono::seconds kToSayHello{10};
constexpr int kWait = 20;  // milliseconds

}  // namespace

std::optional<Door::Guest> Door::next() {
  wait();
  while (Socket socket = next_caller(listener_)) {
    if (callers_.size() == kMostCallers) callers_.erase(callers_.begin());
    callers_.push_back({.socket = std::move(socket), .until = SocketClock::now() + kToSayHello});
  }
  std::erase_if(callers_, [&](Caller& caller) { return !listen_to(caller); });
  for (auto caller = callers_.begin(); caller != callers_.end(); ++caller) {
    if (caller->got < kGreeting) continue;
    Hello hello;
    hello.protocol = *protocol_of(std::span(caller->said).first<kGreeting>());
    if (hello.protocol == kTcpProtocol) {
      if (caller->got < caller->said.size()) continue;
      hello = unpacked_hello(caller->said);
    }
    const SocketAddress address = address_of_peer(caller->socket);
    std::optional<Guest> out = Guest{std::move(caller->socket), hello, address};
    callers_.erase(caller);
    return out;
  }
  return std::nullopt;
}

// Until somebody calls or says something.
void Door::wait() const {
  std::vector<pollfd> watched = {{listener_.number(), POLLIN, 0}};
  for (const Caller& caller : callers_) watched.push_back({caller.socket.number(), POLLIN, 0});
  uninterrupted([&] { return ::poll(watched.data(), watched.size(), kWait); });
}

// False: it is to be dropped.
bool Door::listen_to(Caller& caller) const {
  const auto rest = std::span(caller.said).subspan(caller.got);
  if (rest.empty()) return true;
  const ssize_t count = read_some(caller.socket, rest);
  if (count < 0) {
    return (errno == EAGAIN || errno == EWOULDBLOCK) && SocketClock::now() < caller.until;
  }
  caller.got += static_cast<std::size_t>(count);
  return count > 0 && may_be_greeting(std::span(caller.said).first(caller.got));
}

}  // namespace xlstm
