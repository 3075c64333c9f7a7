#include "xlstm/group/socket_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

constexpr std::ptrdiff_t kBeforeIpv4 = 12;  // bytes, of one that is IPv4

bool is_ipv4(const IpBytes& ip) {
  return std::equal(ip.begin(), ip.begin() + kBeforeIpv4, kAnyIpv4.begin());
}

bool is_of_one_link(const IpBytes& ip) {
  return ip[0] == std::byte{0xfe} && (ip[1] & std::byte{0xc0}) == std::byte{0x80};
}

}  // namespace

SocketAddress::SocketAddress(const sockaddr* address, socklen_t length)
    : length_(std::min<socklen_t>(length, sizeof storage_)) {
  std::memcpy(&storage_, address, length_);
}

SocketAddress::SocketAddress(const IpBytes& ip, int port, std::uint32_t scope) {
  const auto number = htons(static_cast<std::uint16_t>(port));
  if (is_ipv4(ip)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = number;
    std::memcpy(&address.sin_addr, ip.data() + kBeforeIpv4, sizeof address.sin_addr);
    *this = SocketAddress(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    return;
  }
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  address.sin6_port = number;
  std::memcpy(&address.sin6_addr, ip.data(), ip.size());
  if (is_of_one_link(ip)) address.sin6_scope_id = scope;
  *this = SocketAddress(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

IpBytes SocketAddress::ip() const {
  IpBytes out = kAnyIpv4;
  if (family() == AF_INET) {
    const auto* const address = reinterpret_cast<const sockaddr_in*>(&storage_);
    std::memcpy(out.data() + kBeforeIpv4, &address->sin_addr, sizeof address->sin_addr);
  } else {
    const auto* const address = reinterpret_cast<const sockaddr_in6*>(&storage_);
    std::memcpy(out.data(), &address->sin6_addr, out.size());
  }
  return out;
}

int SocketAddress::port() const {
  return ntohs(family() == AF_INET ? reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port
                                   : reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
}

std::uint32_t SocketAddress::scope() const {
  if (family() != AF_INET6) return 0;
  return reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_scope_id;
}

bool SocketAddress::is_loopback() const {
  const IpBytes bytes = ip();
  if (is_ipv4(bytes)) return bytes[kBeforeIpv4] == std::byte{127};
  return bytes.back() == std::byte{1} &&
         std::all_of(bytes.begin(), bytes.end() - 1, [](std::byte b) { return b == std::byte{0}; });
}

std::string SocketAddress::text() const {
  const IpBytes bytes = ip();
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (is_ipv4(bytes)) {
    ::inet_ntop(AF_INET, bytes.data() + kBeforeIpv4, host.data(), host.size());
    return str(host.data(), ":", port());
  }
  ::inet_ntop(AF_INET6, bytes.data(), host.data(), host.size());
  return str("[", host.data(), "]:", port());
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  return ip() == other.ip() && port() == other.port() && scope() == other.scope();
}

bool is_one_interface(const std::string& host) {
  in6_addr ignored;
  return host == "localhost" || ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
         ::inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(), &ignored) == 1;
}

std::vector<SocketAddress> addresses_of(const HostAndPort& place) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int result =
      ::getaddrinfo(place.host.c_str(), std::to_string(place.port).c_str(), &hints, &found);
  if (result == EAI_AGAIN) return {};
  if (result != 0) {
    fail(ErrorKind::kNetwork, place.text(),
         str("cannot find the host ", quoted(place.host), ": ", ::gai_strerror(result)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
  std::vector<SocketAddress> out;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    out.emplace_back(each->ai_addr, each->ai_addrlen);
  }
  return out;
}

}  // namespace xlstm
