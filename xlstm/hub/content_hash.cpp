#include "xlstm/hub/content_hash.h"

#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include <algorithm>
#include <array>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/base/input_file.h"

namespace xlstm {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;

// Nettle 4 took the length away that Nettle 3 asks for.
template <typename Context>
void finish(void (*digest)(Context*, std::size_t, std::uint8_t*), Context& context,
            std::span<std::uint8_t> to) {
  digest(&context, to.size(), to.data());
}
template <typename Context>
void finish(void (*digest)(Context*, std::uint8_t*), Context& context, std::span<std::uint8_t> to) {
  digest(&context, to.data());
}

std::string hexadecimal(std::span<const std::uint8_t> bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : bytes) out += {kHex[byte >> 4], kHex[byte & 15]};
  return out;
}

bool is_hexadecimal(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

bool is_content_hash(std::string_view text) {
  return (text.size() == 2 * SHA256_DIGEST_SIZE || text.size() == 2 * SHA1_DIGEST_SIZE) &&
         is_hexadecimal(text);
}

HashKind hash_kind(std::string_view etag, std::string_view where) {
  if (!is_content_hash(etag)) {
    fail_wanted(ErrorKind::kNetwork, where, "an ETag that is a SHA-256 or a hash of git",
                etag.empty() ? "none" : quoted(etag));
  }
  return etag.size() == 2 * SHA256_DIGEST_SIZE ? HashKind::kSha256 : HashKind::kGitBlob;
}

struct ContentHash::State {
  HashKind kind;
  sha256_ctx sha256;
  sha1_ctx sha1;
};

ContentHash::ContentHash(HashKind kind, std::uint64_t size) : state_(std::make_unique<State>()) {
  state_->kind = kind;
  if (kind == HashKind::kSha256) {
    sha256_init(&state_->sha256);
    return;
  }
  sha1_init(&state_->sha1);
  std::string head = str("blob ", size);
  head += '\0';
  add(std::as_bytes(std::span(head)));
}

ContentHash::~ContentHash() = default;
ContentHash::ContentHash(ContentHash&&) noexcept = default;
ContentHash& ContentHash::operator=(ContentHash&&) noexcept = default;

void ContentHash::add(std::span<const std::byte> bytes) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  if (state_->kind == HashKind::kSha256) {
    sha256_update(&state_->sha256, bytes.size(), data);
  } else {
    sha1_update(&state_->sha1, bytes.size(), data);
  }
}

std::string ContentHash::digits() {
  if (state_->kind == HashKind::kSha256) {
    std::array<std::uint8_t, SHA256_DIGEST_SIZE> digest;
    finish(&sha256_digest, state_->sha256, digest);
    return hexadecimal(digest);
  }
  std::array<std::uint8_t, SHA1_DIGEST_SIZE> digest;
  finish(&sha1_digest, state_->sha1, digest);
  return hexadecimal(digest);
}

void add_file(ContentHash& hash, const std::filesystem::path& path, std::uint64_t size,
              const std::function<void(std::uint64_t)>& on_bytes) {
  const InputFile file(path);
  std::vector<std::byte> piece(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, size)));
  for (std::uint64_t at = 0; at < size;) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), size - at));
    const std::span<std::byte> part = std::span(piece).first(count);
    file.read(at, part);
    hash.add(part);
    at += count;
    if (on_bytes) on_bytes(count);
  }
}

}  // namespace xlstm
