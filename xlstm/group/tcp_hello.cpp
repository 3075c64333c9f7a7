#include "xlstm/group/tcp_hello.h"

#include <algorithm>

#include "xlstm/group/little_endian.h"

namespace xlstm {
namespace {

constexpr std::uint64_t kMagic = 0x70'63'74'6d'74'73'6c'78;  // "xlstmtcp" as it is sent

void put_greeting(std::span<std::byte>& to, std::uint32_t protocol) {
  put_number(to, kMagic);
  put_number(to, protocol);
}

}  // namespace

bool may_be_greeting(std::span<const std::byte> bytes) {
  std::array<std::byte, sizeof kMagic> magic;
  std::span<std::byte> to = magic;
  put_number(to, kMagic);
  bytes = bytes.first(std::min(bytes.size(), magic.size()));
  return std::equal(bytes.begin(), bytes.end(), magic.begin());
}

std::optional<std::uint32_t> protocol_of(std::span<const std::byte, kGreeting> bytes) {
  if (!may_be_greeting(bytes)) return std::nullopt;
  std::span<const std::byte> from = bytes.subspan<sizeof kMagic>();
  return take_number<std::uint32_t>(from);
}

std::array<std::byte, Hello::kBytes> packed(const Hello& hello) {
  std::array<std::byte, Hello::kBytes> out;
  std::span<std::byte> to = out;
  put_greeting(to, hello.protocol);
  put_number(to, hello.rank);
  put_number(to, hello.size);
  put_number(to, hello.port);
  put_bytes(to, hello.token);
  return out;
}

std::array<std::byte, Answer::kBytes> packed(const Answer& answer) {
  std::array<std::byte, Answer::kBytes> out;
  std::span<std::byte> to = out;
  put_greeting(to, answer.protocol);
  put_number(to, answer.kind);
  put_number(to, answer.number);
  put_bytes(to, answer.token);
  return out;
}

Hello unpacked_hello(std::span<const std::byte, Hello::kBytes> bytes) {
  std::span<const std::byte> from = bytes.subspan<kGreeting>();
  Hello out;
  out.rank = take_number<std::uint32_t>(from);
  out.size = take_number<std::uint32_t>(from);
  out.port = take_number<std::uint32_t>(from);
  take_bytes(from, out.token);
  return out;
}

Answer unpacked_answer(std::span<const std::byte, Answer::kBytes> bytes) {
  std::span<const std::byte> from = bytes.subspan<kGreeting>();
  Answer out;
  out.kind = take_number<std::uint32_t>(from);
  out.number = take_number<std::uint32_t>(from);
  take_bytes(from, out.token);
  return out;
}

}  // namespace xlstm
