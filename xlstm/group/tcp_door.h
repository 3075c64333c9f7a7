// Where a rank hears others that call.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "xlstm/group/socket.h"
#include "xlstm/group/tcp_hello.h"

namespace xlstm {

// Anybody may call: a few at a time are heard, for a while, and whoever does not speak as a rank
// does is dropped.
class Door {
 public:
  // A rank, which may speak another protocol.
  struct Guest {
    Socket socket;
    Hello hello;
    SocketAddress address;
  };

  explicit Door(Socket listener) : listener_(std::move(listener)) {}
  int port() const { return own_address(listener_).port(); }
  // The next one; waits briefly, and may have none.
  std::optional<Guest> next();

 private:
  struct Caller {
    Socket socket;
    std::array<std::byte, Hello::kBytes> said{};
    std::size_t got = 0;
    SocketClock::time_point until = {};
  };
  void wait() const;
  bool listen_to(Caller& caller) const;

  Socket listener_;
  std::vector<Caller> callers_;  // in the order in which they called
};

}  // namespace xlstm
