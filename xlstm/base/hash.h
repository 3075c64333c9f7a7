// A 64-bit hash for telling files apart: fast, not safe against someone who wants a collision.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace xlstm {

class Hash {
 public:
  // Bytes that come in pieces; end() adds them, as add() of all at once does.
  class Run {
   public:
    explicit Run(Hash& hash)
        : hash_(hash),
          lane_{hash.state_, ~hash.state_, std::rotl(hash.state_, 17), std::rotl(hash.state_, 41)} {
    }
    // Every piece but the last has a multiple of kBlock bytes.
    void add(std::span<const std::byte> bytes) {
      std::size_t at = 0;
      for (; at + kBlock <= bytes.size(); at += kBlock) {
        for (int i = 0; i < 4; ++i) lane_[i] = mix(lane_[i] ^ word(bytes.data() + at + 8 * i, 8));
      }
      for (; at < bytes.size(); at += 8) {
        lane_[0] = mix(lane_[0] ^ word(bytes.data() + at, bytes.size() - at));
      }
      size_ += bytes.size();
    }
    void end() {
      hash_.add(size_);
      for (const std::uint64_t x : lane_) hash_.add(x);
    }

   private:
    Hash& hash_;
    std::uint64_t size_ = 0;
    std::uint64_t lane_[4];  // independent: multiplications overlap, and memory is the limit
  };
  static constexpr std::size_t kBlock = 32;

  // Bytes in the order given; the cuts between calls matter.
  void add(std::span<const std::byte> bytes) {
    Run run(*this);
    run.add(bytes);
    run.end();
  }
  void add(std::string_view text) { add(std::as_bytes(std::span(text.data(), text.size()))); }
  void add(std::uint64_t value) { state_ = mix(state_ ^ value); }

  std::uint64_t value() const { return mix(state_); }

 private:
  static std::uint64_t word(const std::byte* at, std::size_t size) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, size < 8 ? size : 8);
    return value;
  }
  static std::uint64_t mix(std::uint64_t x) {
    x *= 0x9E3779B97F4A7C15;
    return x ^ (x >> 32);
  }

  std::uint64_t state_ = 0x243F6A8885A308D3;
};

}  // namespace xlstm
