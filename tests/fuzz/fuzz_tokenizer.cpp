// A tokenizer.json, a zero byte and a text; perhaps a zero byte and a tokenizer_config.json, and
// one more and a special_tokens_map.json. Whatever parses has to encode and decode: ids have
// tokens, text is UTF-8, a stream of ids shows what decode() shows.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"
#include "xlstm/text/tokenizer.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void require_utf8(std::string_view text) {
  require(xlstm::utf8_first_error(text) == std::string_view::npos);
}

std::string streamed(const xlstm::Tokenizer& tokenizer, const std::vector<xlstm::TokenId>& ids,
                     bool skip) {
  xlstm::Detokenizer detokenizer(tokenizer, skip);
  std::string text;
  for (const xlstm::TokenId id : ids) {
    const std::string part = detokenizer.push(id);
    require_utf8(part);
    text += part;
  }
  return text + detokenizer.finish();
}

void check_decoding(const xlstm::Tokenizer& tokenizer, const std::vector<xlstm::TokenId>& ids) {
  for (const bool skip : {false, true}) {
    const std::string text = tokenizer.decode(ids, skip);
    require_utf8(text);
    require(streamed(tokenizer, ids, skip) == text);
  }
}

void check(const xlstm::Tokenizer& tokenizer, const std::string& text) {
  require(tokenizer.has_token(tokenizer.max_id()));
  require(!tokenizer.has_token(-1) && !tokenizer.has_token(tokenizer.max_id() + 1));
  for (const bool special : {false, true}) {
    std::vector<xlstm::TokenId> ids =
        tokenizer.encode(text, {.add_special_tokens = special, .parse_special_tokens = special});
    for (const xlstm::TokenId id : ids) require(tokenizer.has_token(id));
    constexpr std::size_t kMost = 50;
    ids.resize(std::min(ids.size(), kMost));
    check_decoding(tokenizer, ids);
  }
  constexpr xlstm::TokenId kMostIds = 20;
  std::vector<xlstm::TokenId> first;
  for (xlstm::TokenId id = 0; id < kMostIds; ++id) {
    first.push_back(id);
    tokenizer.token_bytes(id);
    tokenizer.is_special(id);
  }
  check_decoding(tokenizer, first);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace xlstm;
  std::array<std::string_view, 4> parts;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  for (std::string_view& part : parts) {
    const std::size_t zero = std::min(rest.find('\0'), rest.size());
    part = rest.substr(0, zero);
    rest.remove_prefix(std::min(zero + 1, rest.size()));
  }
  constexpr std::size_t kMostText = 200;
  const std::string text = utf8_repaired(parts[1].substr(0, kMostText));
  try {
    const Tokenizer tokenizer = Tokenizer::parse(parts[0], parts[2], "fuzz", parts[3]);
    check(tokenizer, text);
  } catch (const Error& error) {
    require(error.kind() == ErrorKind::kFormat || error.kind() == ErrorKind::kModel ||
            error.kind() == ErrorKind::kUsage);
    require_utf8(error.what());
    require(std::string_view(error.what()).size() < 2000);
  }
  return 0;
}
