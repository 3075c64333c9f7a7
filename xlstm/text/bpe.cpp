#include "xlstm/text/bpe.h"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/text/byte_level.h"
#include "xlstm/text/characters.h"

namespace xlstm::text {
namespace {

void check_length(std::string_view piece) {
  constexpr std::size_t kLongest = std::numeric_limits<std::uint32_t>::max() - 2;
  if (piece.size() > kLongest) {
    fail_wanted(ErrorKind::kUsage, "tokenizer", "pieces of text below 4 GiB", str(piece.size()));
  }
}

}  // namespace

std::optional<TokenId> Bpe::id_of(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

// Short pieces recur: their ids are computed once and cached.
template <typename Work>
static void cached(std::string_view piece, BpeScratch& scratch, std::vector<TokenId>& ids,
                   const Work& work) {
  if (!PieceCache::fits(piece)) return work();
  PieceCache::Entry wanted;
  PieceCache::Entry& place = scratch.cache.place(piece, wanted);
  if (place.is(wanted)) {
    ids.insert(ids.end(), place.ids.begin(), place.ids.begin() + place.count);
    return;
  }
  const std::size_t before = ids.size();
  work();
  PieceCache::store(place, wanted, std::span(ids).subspan(before));
}

void Bpe::encode(std::string_view piece, BpeScratch& scratch, std::vector<TokenId>& ids) const {
  cached(piece, scratch, ids, [&] {
    if (const auto id = ignore_merges_ ? id_of(piece) : std::nullopt) {
      ids.push_back(*id);
      return;
    }
    symbols_of(piece, scratch.symbols);
    merge(piece, scratch, ids);
  });
}

void Bpe::encode_bytes(std::string_view piece, BpeScratch& scratch,
                       std::vector<TokenId>& ids) const {
  cached(piece, scratch, ids, [&] {
    if (const auto id = ignore_merges_ ? id_of(byte_level_text(piece)) : std::nullopt) {
      ids.push_back(*id);
      return;
    }
    if (!symbols_of_bytes(piece, scratch.symbols)) {
      symbols_of(byte_level_text(piece), scratch.symbols);
    }
    merge(piece, scratch, ids);
  });
}

void Bpe::merge(std::string_view piece, BpeScratch& scratch, std::vector<TokenId>& ids) const {
  check_length(piece);
  scratch.merging.run(merges_, scratch.symbols, &scratch.progress);
  ids.insert(ids.end(), scratch.symbols.begin(), scratch.symbols.end());
}

// False where a byte has no symbol of its own, or its place in the piece matters.
bool Bpe::symbols_of_bytes(std::string_view piece, std::vector<TokenId>& symbols) const {
  symbols.clear();
  if (!prefix_.empty() || !suffix_.empty()) return false;
  symbols.reserve(piece.size());
  for (const char c : piece) {
    const std::optional<TokenId> id = byte_symbols_[static_cast<unsigned char>(c)];
    if (!id) return false;
    symbols.push_back(*id);
  }
  return true;
}

void Bpe::symbols_of(std::string_view piece, std::vector<TokenId>& symbols) const {
  symbols.clear();
  bool unknown_pending = false;  // to be added before the next known symbol
  const auto pay = [&] {
    if (unknown_pending) symbols.push_back(*unknown_);
    unknown_pending = false;
  };
  std::string affixed;
  for (std::size_t at = 0; at < piece.size();) {
    const std::size_t size = code_point_at(piece, at).size;
    std::string_view character = piece.substr(at, size);
    const bool has_prefix = at > 0 && !prefix_.empty();
    at += size;
    const bool has_suffix = at == piece.size() && !suffix_.empty();
    if (has_prefix || has_suffix) {
      affixed = has_prefix ? prefix_ : "";
      affixed += character;
      if (has_suffix) affixed += suffix_;
      character = affixed;
    }
    if (const std::optional<TokenId> id = id_of(character)) {
      pay();
      symbols.push_back(*id);
      continue;
    }
    // As in the reference, a pending unknown token comes after these bytes.
    if (byte_fallback(character, symbols) || !has_unknown(character)) continue;
    if (!fuse_unknown_) pay();
    unknown_pending = true;
  }
  pay();
}

// Without an unknown token such a character vanishes.
bool Bpe::has_unknown(std::string_view character) const {
  if (!missing_unknown_.empty()) {
    fail(ErrorKind::kModel, "tokenizer",
         str(quoted(character), " is not in the vocabulary, nor is the unk_token ",
             quoted(missing_unknown_)));
  }
  return unknown_.has_value();
}

bool Bpe::byte_fallback(std::string_view character, std::vector<TokenId>& symbols) const {
  const auto symbol = [&](char c) { return fallback_symbols_[static_cast<unsigned char>(c)]; };
  const bool has_all = std::all_of(character.begin(), character.end(),
                                   [&](char c) { return symbol(c).has_value(); });
  if (!has_all) return false;
  for (const char c : character) symbols.push_back(*symbol(c));
  return true;
}

}  // namespace xlstm::text
