// What ranks say over a connection before they know each other. The first 12 bytes are alike in all
// versions of the protocol: those of one that speaks another are enough to tell so.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace xlstm {

inline constexpr std::uint32_t kTcpProtocol = 1;
inline constexpr std::size_t kGreeting = 12;  // bytes: who speaks, and which protocol

// Of one run, made up by rank 0: who says it was told.
using RunToken = std::array<std::byte, 16>;

struct Hello {
  static constexpr std::size_t kBytes = kGreeting + 12 + sizeof(RunToken);

  std::uint32_t protocol = kTcpProtocol;  // with another the rest is not known
  std::uint32_t rank = 0, size = 0;
  std::uint32_t port = 0;  // where it listens for other ranks; to rank 0 alone
  RunToken token{};        // none to rank 0
};

struct Answer {
  static constexpr std::size_t kBytes = kGreeting + 8 + sizeof(RunToken);
  enum Kind : std::uint32_t {
    kWelcome = 1,
    kOtherSize,  // rank 0's is `number`
    kTaken,      // another process is the same rank
    kMissing,    // rank `number` has not come in time
    kEnded       // rank 0 has failed
  };

  std::uint32_t protocol = kTcpProtocol;
  std::uint32_t kind = kWelcome, number = 0;
  RunToken token{};
};

// Whether it may be the beginning of what a rank says.
bool may_be_greeting(std::span<const std::byte> bytes);
// Which protocol follows a greeting; none: it is none.
std::optional<std::uint32_t> protocol_of(std::span<const std::byte, kGreeting> bytes);

std::array<std::byte, Hello::kBytes> packed(const Hello& hello);
std::array<std::byte, Answer::kBytes> packed(const Answer& answer);
// Of what begins with a greeting of our protocol.
Hello unpacked_hello(std::span<const std::byte, Hello::kBytes> bytes);
Answer unpacked_answer(std::span<const std::byte, Answer::kBytes> bytes);

}  // namespace xlstm
