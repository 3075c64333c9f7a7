// Where TCP finds a host.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "xlstm/group/rendezvous.h"

namespace xlstm {

// As a host sees another.
using IpBytes = std::array<std::byte, 16>;  // IPv6; of IPv4 ::ffff:a.b.c.d
inline constexpr IpBytes kAnyIp{};
inline constexpr IpBytes kAnyIpv4 = {
    {{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::byte{0xff}, std::byte{0xff}, {}, {}, {}, {}}};

class SocketAddress {
 public:
  SocketAddress() = default;
  SocketAddress(const sockaddr* address, socklen_t length);
  // `scope`: the interface of addresses that hold on one link alone.
  SocketAddress(const IpBytes& ip, int port, std::uint32_t scope);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }
  int family() const { return storage_.ss_family; }
  IpBytes ip() const;
  int port() const;
  std::uint32_t scope() const;
  bool is_loopback() const;
  SocketAddress with_port(int port) const { return {ip(), port, scope()}; }
  std::string text() const;  // "10.0.0.2:4000", "[fe80::1]:4000"
  bool operator==(const SocketAddress& other) const;

 private:
  sockaddr_storage storage_ = {};
  socklen_t length_ = 0;
};

// Whether `host` is an address, or this host's name for itself: there a listener hears no others.
bool is_one_interface(const std::string& host);
// None where the name cannot be looked up for now. Throws Error(kNetwork) where there is no such.
std::vector<SocketAddress> addresses_of(const HostAndPort& place);

}  // namespace xlstm
