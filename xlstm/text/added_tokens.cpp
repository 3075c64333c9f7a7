#include "xlstm/text/added_tokens.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/text/characters.h"

namespace xlstm::text {
namespace {

bool has_class_before(std::string_view text, std::size_t at, CharClass wanted) {
  if (at == 0) return false;
  const std::size_t before = previous_code_point(text, at);
  return (classes_of(code_point_at(text, before).value) & wanted) != 0;
}

bool has_class_at(std::string_view text, std::size_t at, CharClass wanted) {
  return at < text.size() && (classes_of(code_point_at(text, at).value) & wanted) != 0;
}

// Where the white space before `at` begins, but not before `least`.
std::size_t without_spaces_before(std::string_view text, std::size_t at, std::size_t least) {
  if (at < least) return least;
  while (at > least && has_class_before(text, at, kSpace)) at = previous_code_point(text, at);
  return at;
}

// Ends of runs of white space. The last run is cached: a query inside it costs no second scan.
class SpaceEnds {
 public:
  explicit SpaceEnds(std::string_view text) : text_(text) {}
  std::size_t after(std::size_t at) {
    if (at >= begin_ && at < end_) return end_;
    begin_ = end_ = at;
    while (has_class_at(text_, end_, kSpace)) end_ += code_point_at(text_, end_).size;
    return end_;
  }

 private:
  std::string_view text_;
  std::size_t begin_ = 0, end_ = 0;
};

}  // namespace

std::vector<AddedToken> read_added_tokens(const Json& json, std::string_view where) {
  std::vector<AddedToken> tokens;
  if (json.is_null()) return tokens;
  if (!json.is_array()) fail_wanted(ErrorKind::kFormat, where, "an array", kind_of(json));
  for (const Json& entry : json) {
    token_id_from(required(entry, "id", where), where);  // has to be valid, see AddedTokens
    tokens.push_back(
        {required_string(entry, "content", where), required_bool(entry, "single_word", where),
         required_bool(entry, "lstrip", where), required_bool(entry, "rstrip", where),
         required_bool(entry, "normalized", where), required_bool(entry, "special", where)});
  }
  return tokens;
}

std::optional<TokenId> AddedTokens::id_of(std::string_view content) const {
  const auto found = ids_.find(std::string(content));
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

void AddedTokens::add(AddedToken token, std::optional<TokenId> id, std::size_t vocabulary_size,
                      const Normalizer* normalizer) {
  if (token.content.empty()) return;
  if (!next_id_) {
    if (vocabulary_size > static_cast<std::size_t>(std::numeric_limits<TokenId>::max() / 2)) {
      fail(ErrorKind::kFormat, "added_tokens", "wanted less than 2^30 tokens, got more");
    }
    next_id_ = static_cast<TokenId>(vocabulary_size);
  }
  if (!id) id = next_id_;
  if (*id == std::numeric_limits<TokenId>::max()) {
    fail_wanted(ErrorKind::kFormat, "added_tokens", "ids below 2^31 - 1", "more");
  }
  next_id_ = std::max(*next_id_, *id + 1);
  if (token.normalized && normalizer != nullptr) {
    std::string form = token.content;
    Progress unreported;
    normalizer->apply(form, unreported);
    if (form != token.content) normal_forms_[*id] = std::move(form);
  }
  if (token.special) special_.insert(token.content);
  ids_[token.content] = *id;
  tokens_[*id] = std::move(token);
}

const std::string& AddedTokens::display_text(TokenId id) const {
  const auto form = normal_forms_.find(id);
  return form == normal_forms_.end() ? tokens_.at(id).content : form->second;
}

void AddedTokens::build() {
  std::vector<TokenId> order;
  for (const auto& entry : tokens_) order.push_back(entry.first);
  std::sort(order.begin(), order.end());
  for (const TokenId id : order) {
    const AddedToken& token = tokens_.at(id);
    if (token.normalized) {
      normalized_.add(display_text(id), id);
    } else {
      raw_.add(token.content, id);
    }
    if (is_special_text(token.content) && display_text(id) == token.content)
      hidden_.add(token.content, id);
  }
  raw_.build();
  normalized_.build();
  hidden_.build();
}

std::vector<TextSegment> AddedTokens::split_hidden(std::string_view text) const {
  std::vector<TextSegment> segments;
  std::size_t done = 0;
  auto found = hidden_.empty() ? std::nullopt : hidden_.find(text, 0);
  for (; found; found = hidden_.find(text, found->end)) {
    if (done < found->begin) {
      segments.push_back({text.substr(done, found->begin - done), std::nullopt});
    }
    segments.push_back({text.substr(found->begin, found->end - found->begin), found->value});
    done = found->end;
  }
  if (done != text.size()) segments.push_back({text.substr(done), std::nullopt});
  return segments;
}

std::vector<TextSegment> AddedTokens::split(std::string_view text, bool normalized,
                                            bool parse_special) const {
  const MultiPattern& patterns = normalized ? normalized_ : raw_;
  std::vector<TextSegment> segments;
  SpaceEnds spaces(text);
  std::size_t done = 0;
  auto found = patterns.empty() ? std::nullopt : patterns.find(text, 0);
  for (; found; found = patterns.find(text, found->end)) {
    const AddedToken& token = tokens_.at(found->value);
    if (!parse_special && is_special_text(token.content)) continue;
    if (token.single_word &&
        (has_class_before(text, found->begin, kWord) || has_class_at(text, found->end, kWord))) {
      continue;
    }
    std::size_t begin = found->begin, end = found->end;
    if (token.lstrip) begin = without_spaces_before(text, begin, done);
    if (token.rstrip) end = spaces.after(end);
    if (done < begin) segments.push_back({text.substr(done, begin - done), std::nullopt});
    // An earlier token's strip may have left nothing of this one.
    if (begin < end) segments.push_back({text.substr(begin, end - begin), found->value});
    done = end;
  }
  if (done != text.size()) segments.push_back({text.substr(done), std::nullopt});
  return segments;
}

}  // namespace xlstm::text
