#include "xlstm/text/decoder_steps.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/utf8.h"
#include "xlstm/text/byte_level.h"
#include "xlstm/text/characters.h"
#include "xlstm/text/component.h"
#include "xlstm/text/replace.h"

namespace xlstm::text {
namespace {

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

// Bytes spelled as characters; all tokens become one, of whole characters only.
class ByteLevel final : public DecoderStep {
 public:
  void text(std::string_view part, DecoderState& state, const Downstream&) const override {
    state.held += part;
  }
  void end_token(DecoderState& state, const Downstream& next) const override {
    state.bytes += byte_level_bytes(state.held);
    state.held.clear();
    const std::size_t complete = utf8_complete_prefix(state.bytes);
    next.text(utf8_repaired(std::string_view(state.bytes).substr(0, complete)));
    state.bytes.erase(0, complete);
  }
  void finish(DecoderState& state, const Downstream& next) const override {
    next.text(utf8_repaired(state.bytes));
    state.bytes.clear();
    next.end_token();
  }
  std::string inner(std::string token, bool) const override { return byte_level_bytes(token); }
  bool joins() const override { return true; }
};

// "<0x41>"
std::optional<char> byte_of_token(std::string_view token) {
  constexpr std::size_t kSize = 6;
  if (token.size() != kSize || !token.starts_with("<0x") || !token.ends_with('>')) {
    return std::nullopt;
  }
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  const int high = token[3] == '+' ? 0 : digit(token[3]);  // the reference reads a sign
  const int low = digit(token[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high * 16 + low);
}

// A run of byte tokens is text if all of it is well formed, and U+FFFD for each byte otherwise; so
// nothing of a run can be shown before its end.
class ByteFallback final : public DecoderStep {
 public:
  void text(std::string_view part, DecoderState& state, const Downstream&) const override {
    state.held += part;
  }
  void end_token(DecoderState& state, const Downstream& next) const override {
    if (const std::optional<char> byte = byte_of_token(state.held)) {
      state.bytes += *byte;
    } else {
      end_run(state, next);
      next.text(state.held);
      next.end_token();
    }
    state.held.clear();
  }
  void finish(DecoderState& state, const Downstream& next) const override { end_run(state, next); }
  std::string inner(std::string token, bool) const override {
    const std::optional<char> byte = byte_of_token(token);
    return byte ? std::string(1, *byte) : token;
  }

 private:
  static void end_run(DecoderState& state, const Downstream& next) {
    if (state.bytes.empty()) return;
    if (utf8_first_error(state.bytes) == std::string_view::npos) {
      next.text(state.bytes);
      next.end_token();
    } else {
      for (std::size_t i = 0; i < state.bytes.size(); ++i) {
        next.text(kReplacementCharacter);
        next.end_token();
      }
    }
    state.bytes.clear();
  }
};

// All tokens become one.
class Fuse final : public DecoderStep {
 public:
  void text(std::string_view part, DecoderState&, const Downstream& next) const override {
    next.text(part);
  }
  void end_token(DecoderState&, const Downstream&) const override {}
  void finish(DecoderState&, const Downstream& next) const override { next.end_token(); }
  std::string inner(std::string token, bool) const override { return token; }
  bool joins() const override { return true; }
};

std::string replaced(const Replacement& replacement, std::string_view text) {
  constexpr std::size_t kMostOfToken = 1 << 20;
  Progress unreported;
  return replacement.apply(text, std::max(kMostOfToken, text.size()), unreported);
}

class Replace final : public DecoderStep {
 public:
  explicit Replace(Replacement replacement) : replacement_(std::move(replacement)) {}

  void text(std::string_view part, DecoderState& state, const Downstream& next) const override {
    state.held += part;
    if (replacement_.literal().empty()) return;  // an expression may want to see all of it
    const std::size_t kept = undecided(state.held);
    const std::size_t decided = state.held.size() - kept;
    next.text(replaced(replacement_, std::string_view(state.held).substr(0, decided)));
    state.held.erase(0, decided);
  }
  void end_token(DecoderState& state, const Downstream& next) const override {
    next.text(replaced(replacement_, state.held));
    state.held.clear();
    next.end_token();
  }
  void finish(DecoderState&, const Downstream&) const override {}
  std::string inner(std::string token, bool) const override {
    return replaced(replacement_, token);
  }

 private:
  // Length of the end of `text` that may be the beginning of a match.
  std::size_t undecided(std::string_view text) const {
    const std::string& wanted = replacement_.literal();
    // Matches are found from the left: what one has taken begins no other.
    std::size_t free = 0;
    for (std::size_t at = text.find(wanted); at != std::string_view::npos;
         at = text.find(wanted, free)) {
      free = at + wanted.size();
    }
    std::size_t length = std::min(wanted.size() - 1, text.size() - free);
    while (length > 0 && !text.ends_with(std::string_view(wanted).substr(0, length))) --length;
    return length;
  }

  Replacement replacement_;
};

// Takes up to so many of one character off each token's ends.
class Strip final : public DecoderStep {
 public:
  Strip(char32_t character, std::size_t start, std::size_t stop) : start_(start), stop_(stop) {
    append_utf8(character_, character);
  }

  // state.count: characters taken off the front; start_ once that is over.
  void text(std::string_view part, DecoderState& state, const Downstream& next) const override {
    while (state.count < start_ && part.starts_with(character_)) {
      part.remove_prefix(character_.size());
      ++state.count;
    }
    if (part.empty()) return;
    state.count = start_;
    state.held += part;
    const std::size_t kept = trailing(state.held);
    const std::size_t decided = state.held.size() - kept;
    next.text(std::string_view(state.held).substr(0, decided));
    state.held.erase(0, decided);
  }
  void end_token(DecoderState& state, const Downstream& next) const override {
    state = DecoderState{};  // what is held are the characters to take off
    next.end_token();
  }
  void finish(DecoderState&, const Downstream&) const override {}
  std::string inner(std::string token, bool is_joined) const override {
    if (is_joined) return token;  // the ends are the text's, not this token's
    DecoderState state;
    std::string out;
    text(token, state, Downstream({}, {}, out));
    return out;
  }

 private:
  std::size_t trailing(std::string_view text) const {
    std::size_t size = 0;
    for (std::size_t i = 0; i < stop_ && text.ends_with(character_); ++i) {
      text.remove_suffix(character_.size());
      size += character_.size();
    }
    return size;
  }

  std::string character_;
  std::size_t start_, stop_;
};

// SentencePiece's "▁" back to spaces; the first token's vanish where one was put before the text.
class Metaspace final : public DecoderStep {
 public:
  Metaspace(char32_t mark, bool is_prefixed) : is_prefixed_(is_prefixed) {
    append_utf8(mark_, mark);
  }

  void text(std::string_view part, DecoderState& state, const Downstream& next) const override {
    next.text(replaced(part, is_prefixed_ && state.count == 0 ? "" : " "));
  }
  void end_token(DecoderState& state, const Downstream& next) const override {
    ++state.count;
    next.end_token();
  }
  void finish(DecoderState&, const Downstream&) const override {}
  std::string inner(std::string token, bool) const override { return replaced(token, " "); }

 private:
  // Parts are whole characters, so a mark does not lie across two.
  std::string replaced(std::string_view text, std::string_view by) const {
    std::string out;
    std::size_t copied = 0;
    for (std::size_t at = text.find(mark_); at != std::string_view::npos;
         at = text.find(mark_, copied)) {
      out.append(text, copied, at - copied);
      out += by;
      copied = at + mark_.size();
    }
    out.append(text, copied, std::string_view::npos);
    return out;
  }

  std::string mark_;
  bool is_prefixed_;
};

// A suffix that ends words: a space, but nothing in the last token.
class WordSuffix final : public DecoderStep {
 public:
  explicit WordSuffix(const std::string& suffix, std::string_view where)
      : inside_({false, suffix}, " ", where), last_({false, suffix}, "", where) {}

  // state.bytes: the current token; state.held: the one before.
  void text(std::string_view part, DecoderState& state, const Downstream&) const override {
    state.bytes += part;
  }
  void end_token(DecoderState& state, const Downstream& next) const override {
    if (state.count++ > 0) {
      next.text(replaced(inside_, state.held));
      next.end_token();
    }
    state.held = std::move(state.bytes);
    state.bytes.clear();
  }
  void finish(DecoderState& state, const Downstream& next) const override {
    if (state.count == 0) return;
    next.text(replaced(last_, state.held));
    next.end_token();
  }
  std::string inner(std::string token, bool) const override { return replaced(inside_, token); }

 private:
  Replacement inside_, last_;
};

// No decoder: tokens with spaces between.
class Spaces final : public DecoderStep {
 public:
  void text(std::string_view part, DecoderState& state, const Downstream&) const override {
    state.held += part;
  }
  void end_token(DecoderState& state, const Downstream& next) const override {
    if (state.count++ > 0) next.text(" ");
    next.text(state.held);
    next.end_token();
    state.held.clear();
  }
  void finish(DecoderState&, const Downstream&) const override {}
  std::string inner(std::string token, bool) const override { return token; }
};

}  // namespace

void add_decoder_steps(const Json& json, std::string_view where, DecoderSteps& steps) {
  if (json.is_null()) {
    steps.push_back(std::make_unique<Spaces>());
    return;
  }
  const std::string type = type_of(json, where);
  if (type == "Sequence") {
    for (const Json& part : required_array(json, "decoders", where)) {
      type_of(part, where);  // an element may not be null
      add_decoder_steps(part, where, steps);
    }
  } else if (type == "ByteLevel") {
    steps.push_back(std::make_unique<ByteLevel>());
  } else if (type == "ByteFallback") {
    steps.push_back(std::make_unique<ByteFallback>());
  } else if (type == "Fuse") {
    steps.push_back(std::make_unique<Fuse>());
  } else if (type == "Replace") {
    steps.push_back(std::make_unique<Replace>(
        Replacement(pattern_text(json, where), required_string(json, "content", where), where)));
  } else if (type == "Strip") {
    steps.push_back(std::make_unique<Strip>(required_character(json, "content", where),
                                            required_count(json, "start", where),
                                            required_count(json, "stop", where)));
  } else if (type == "Metaspace") {
    const auto scheme = get_string(json, "prepend_scheme", where).value_or("always");
    steps.push_back(std::make_unique<Metaspace>(required_character(json, "replacement", where),
                                                scheme != "never"));
  } else if (type == "BPEDecoder") {
    steps.push_back(std::make_unique<WordSuffix>(required_string(json, "suffix", where), where));
  } else {
    fail_unknown(where, "decoder", type,
                 "ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace, BPEDecoder, Sequence");
  }
}

}  // namespace xlstm::text
