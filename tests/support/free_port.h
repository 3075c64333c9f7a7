// Ports of the loopback.
#pragma once

#include <string>
#include <vector>

#include "xlstm/group/socket.h"

namespace xlstm::testing {

// One that was free just now. The system gives them out in no order, so that it stays so.
inline int free_port(const std::string& host = "127.0.0.1") {
  return own_address(listen_at(addresses_of({host, 1}), 0, "a free port")).port();
}

inline HostAndPort free_address(const std::string& host = "127.0.0.1") {
  return {host, free_port(host)};
}

}  // namespace xlstm::testing
