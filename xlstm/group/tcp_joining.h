// How ranks on several hosts find each other.
#pragma once

#include <string>
#include <vector>

#include "xlstm/group/rendezvous.h"
#include "xlstm/group/socket.h"
#include "xlstm/group/tcp_hello.h"

namespace xlstm {

// Connections to all other ranks, by rank; this one's own is none. Rank 0 listens at the place's
// address, the others call it until it is there. When all have, it tells each where the others
// listen, at ports that their systems chose, and each calls those of lower rank. Throws Error:
// kUsage where ranks do not come in time, or they differ about who they are; kNetwork.
std::vector<Socket> connect_ranks(const Rendezvous& place);

// --- parts ---------------------------------------------------------------------------------------
std::vector<Socket> gather_ranks(const Rendezvous& place);  // rank 0's
std::vector<Socket> find_ranks(const Rendezvous& place);    // the others'

// Where a rank but the first listens, as rank 0 tells it: of an address that only its own host
// knows, the others know rank 0's.
struct Seat {
  static constexpr std::size_t kBytes = sizeof(IpBytes) + 8;
  IpBytes ip{};
  std::uint32_t port = 0;
  std::uint32_t with_rank_0 = 0;  // 1: on its host
};

}  // namespace xlstm
