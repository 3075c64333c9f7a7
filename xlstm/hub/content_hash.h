// The hashes that name files on the hub: SHA-256 where LFS stores them, else git's of a blob.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace xlstm {

enum class HashKind { kSha256, kGitBlob };

// What kind `etag` is: 64 or 40 hexadecimal digits in lower case; throws Error(kNetwork) naming
// `where` for any other.
HashKind hash_kind(std::string_view etag, std::string_view where);
bool is_content_hash(std::string_view text);

class ContentHash {
 public:
  // Of a file of `size` bytes: git's hash begins with it, SHA-256 does not ask.
  ContentHash(HashKind kind, std::uint64_t size);
  ~ContentHash();
  ContentHash(ContentHash&&) noexcept;
  ContentHash& operator=(ContentHash&&) noexcept;

  void add(std::span<const std::byte> bytes);
  std::string digits();  // in lower case; ends it

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Adds the first `size` bytes of the file. Throws Error(kFile); `on_bytes` gets the size of each
// piece, and may throw to stop.
void add_file(ContentHash& hash, const std::filesystem::path& path, std::uint64_t size,
              const std::function<void(std::uint64_t)>& on_bytes = {});

}  // namespace xlstm
