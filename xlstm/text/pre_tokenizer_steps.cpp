#include "xlstm/text/pre_tokenizer_steps.h"

#include <cstdint>
#include <string>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/text/byte_level.h"
#include "xlstm/text/characters.h"
#include "xlstm/text/component.h"
#include "xlstm/text/gpt2_scanner.h"
#include "xlstm/text/pattern.h"
#include "xlstm/text/replace.h"

namespace xlstm::text {
namespace {

using Step = std::unique_ptr<const PreTokenizerStep>;

// Cuts by GPT-2's pattern, every match a piece.
void cut_like_gpt2(const Piece& piece, PieceSink& next) {
  for (std::size_t at = 0; at < piece.text.size();) {
    const std::size_t end = gpt2_piece_end(piece.text, at);
    next.take({piece.text.substr(at, end - at), piece.at_start && at == 0});
    at = end;
  }
}

class Gpt2Split final : public PreTokenizerStep {
 public:
  void run(const Piece& piece, PieceSink& next) const override { cut_like_gpt2(piece, next); }
};

class ByteLevel final : public PreTokenizerStep {
 public:
  ByteLevel(bool add_prefix_space, bool use_regex, bool leave_bytes)
      : add_prefix_space_(add_prefix_space), use_regex_(use_regex), leave_bytes_(leave_bytes) {}

  void run(const Piece& piece, PieceSink& next) const override {
    if (!add_prefix_space_ || piece.text.starts_with(' ')) return cut(piece, next);
    std::string prefixed = " ";
    prefixed += piece.text;
    cut({prefixed, piece.at_start}, next);
  }

 private:
  struct Speller final : PieceSink {
    explicit Speller(PieceSink& sink) : next(sink) {}
    void take(const Piece& piece) override {
      const std::string spelled = byte_level_text(piece.text);
      next.take({spelled, piece.at_start});
    }
    PieceSink& next;
  };

  void cut(const Piece& piece, PieceSink& next) const {
    Speller speller(next);
    PieceSink& sink = leave_bytes_ ? next : speller;
    if (use_regex_) return cut_like_gpt2(piece, sink);
    sink.take(piece);
  }

  bool add_prefix_space_, use_regex_, leave_bytes_;
};

class PatternSplit final : public PreTokenizerStep {
 public:
  PatternSplit(std::shared_ptr<const Pattern> pattern, SplitBehavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}

  void run(const Piece& piece, PieceSink& next) const override {
    Splitter splitter(piece, behavior_, next);
    Pattern::Matcher matcher(*pattern_);
    matcher.start(piece.text);
    std::size_t done = 0;
    while (const auto match = matcher.next()) {
      if (match->begin != done) splitter.add(done, match->begin, invert_);
      splitter.add(match->begin, match->end, !invert_);
      done = match->end;
    }
    if (done != piece.text.size()) splitter.add(done, piece.text.size(), invert_);
    splitter.finish();
  }

 private:
  std::shared_ptr<const Pattern> pattern_;
  SplitBehavior behavior_;
  bool invert_;
};

class TextSplit final : public PreTokenizerStep {
 public:
  TextSplit(std::string text, SplitBehavior behavior, bool invert)
      : text_(std::move(text)), behavior_(behavior), invert_(invert) {}

  void run(const Piece& piece, PieceSink& next) const override {
    Splitter splitter(piece, behavior_, next);
    std::size_t done = 0;
    for (std::size_t at = piece.text.find(text_); at != std::string_view::npos;
         at = piece.text.find(text_, done)) {
      if (at != done) splitter.add(done, at, invert_);
      splitter.add(at, at + text_.size(), !invert_);
      done = at + text_.size();
    }
    if (done != piece.text.size()) splitter.add(done, piece.text.size(), invert_);
    splitter.finish();
  }

 private:
  std::string text_;  // not empty
  SplitBehavior behavior_;
  bool invert_;
};

// Splits at the characters of a class.
class ClassSplit final : public PreTokenizerStep {
 public:
  ClassSplit(std::uint8_t classes, SplitBehavior behavior)
      : classes_(classes), behavior_(behavior) {}

  void run(const Piece& piece, PieceSink& next) const override {
    Splitter splitter(piece, behavior_, next);
    std::size_t done = 0;
    for (std::size_t at = 0; at < piece.text.size();) {
      const CodePoint point = code_point_at(piece.text, at);
      const std::size_t end = at + point.size;
      if ((classes_of(point.value) & classes_) != 0) {
        if (at != done) splitter.add(done, at, false);
        splitter.add(at, end, true);
        done = end;
      }
      at = end;
    }
    if (done != piece.text.size()) splitter.add(done, piece.text.size(), false);
    splitter.finish();
  }

 private:
  std::uint8_t classes_;
  SplitBehavior behavior_;
};

// \w+|[^\w\s]+: runs of word characters and runs of the others, white space dropped.
class WordSplit final : public PreTokenizerStep {
 public:
  void run(const Piece& piece, PieceSink& next) const override {
    Splitter splitter(piece, SplitBehavior::kRemoved, next);
    Kind kind = Kind::kSpaces;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < piece.text.size();) {
      const CodePoint point = code_point_at(piece.text, at);
      const Kind here = kind_of(classes_of(point.value));
      if (here != kind) {
        splitter.add(begin, at, kind == Kind::kSpaces);
        begin = at;
        kind = here;
      }
      at += point.size;
    }
    splitter.add(begin, piece.text.size(), kind == Kind::kSpaces);
    splitter.finish();
  }

 private:
  enum class Kind { kWord, kOther, kSpaces };
  static Kind kind_of(std::uint8_t classes) {
    if ((classes & kWord) != 0) return Kind::kWord;
    return (classes & kSpace) != 0 ? Kind::kSpaces : Kind::kOther;
  }
};

class FixedLength final : public PreTokenizerStep {
 public:
  explicit FixedLength(std::size_t characters) : characters_(characters) {}

  void run(const Piece& piece, PieceSink& next) const override {
    Splitter splitter(piece, SplitBehavior::kIsolated, next);
    std::size_t begin = 0, count = 0;
    for (std::size_t at = 0; at < piece.text.size();) {
      at += code_point_at(piece.text, at).size;
      if (++count < characters_ && at < piece.text.size()) continue;
      splitter.add(begin, at, false);
      begin = at;
      count = 0;
    }
  }

 private:
  std::size_t characters_;
};

// SentencePiece's "▁" for spaces.
class Metaspace final : public PreTokenizerStep {
 public:
  Metaspace(const Json& json, std::string_view where)
      : scheme_(scheme_of(json, where)), is_split_(get_bool(json, "split", where).value_or(true)) {
    append_utf8(mark_, required_character(json, "replacement", where));
  }

  void run(const Piece& piece, PieceSink& next) const override {
    std::string text;
    for (const char c : piece.text) {
      if (c == ' ') {
        text += mark_;
      } else {
        text += c;
      }
    }
    const bool prepends =
        scheme_ == Scheme::kAlways || (scheme_ == Scheme::kFirst && piece.at_start);
    if (prepends && !text.starts_with(mark_)) text.insert(0, mark_);
    if (!is_split_) return next.take({text, piece.at_start});
    TextSplit(mark_, SplitBehavior::kMergedWithNext, false).run({text, piece.at_start}, next);
  }

 private:
  enum class Scheme { kFirst, kNever, kAlways };

  static Scheme scheme_of(const Json& json, std::string_view where) {
    const std::string name = get_string(json, "prepend_scheme", where).value_or("always");
    const bool is_prefixed = get_bool(json, "add_prefix_space", where).value_or(true);
    if (name == "never") return Scheme::kNever;
    if (name != "first" && name != "always") {
      fail_wanted(ErrorKind::kFormat, where, "a prepend_scheme first, never or always",
                  quoted(name));
    }
    if (!is_prefixed) {
      fail_wanted(ErrorKind::kFormat, where, "add_prefix_space to agree with prepend_scheme",
                  quoted(name));
    }
    return name == "first" ? Scheme::kFirst : Scheme::kAlways;
  }

  Scheme scheme_;
  bool is_split_;
  std::string mark_;
};

Step make_split(const Json& json, std::string_view where) {
  const PatternText pattern = pattern_text(json, where);
  const SplitBehavior behavior = split_behavior(json, where);
  const bool invert = required_bool(json, "invert", where);
  // Every character matches GPT-2's pattern, so these are the same.
  const bool keeps_matches =
      invert ? behavior == SplitBehavior::kRemoved : behavior == SplitBehavior::kIsolated;
  if (pattern.is_regex && pattern.text == kGpt2Pattern && keeps_matches) {
    return std::make_unique<Gpt2Split>();
  }
  if (!pattern.is_regex && !pattern.text.empty()) {
    return std::make_unique<TextSplit>(pattern.text, behavior, invert);
  }
  return std::make_unique<PatternSplit>(std::make_shared<const Pattern>(pattern.text, where),
                                        behavior, invert);
}

Step make_fixed_length(const Json& json, std::string_view where) {
  constexpr std::size_t kDefault = 5;
  const std::size_t length =
      json.contains("length") ? required_count(json, "length", where) : kDefault;
  if (length == 0) fail_wanted(ErrorKind::kFormat, where, "a length from 1 on", "0");
  return std::make_unique<FixedLength>(length);
}

Step make_delimiter(const Json& json, std::string_view where) {
  std::string delimiter;
  append_utf8(delimiter, required_character(json, "delimiter", where));
  return std::make_unique<TextSplit>(delimiter, SplitBehavior::kRemoved, false);
}

Step make_punctuation(const Json& json, std::string_view where) {
  return std::make_unique<ClassSplit>(kPunctuation, json.contains("behavior")
                                                        ? split_behavior(json, where)
                                                        : SplitBehavior::kIsolated);
}

Step make_step(const std::string& type, const Json& json, std::string_view where,
               bool leave_bytes) {
  if (type == "ByteLevel") {
    return std::make_unique<ByteLevel>(required_bool(json, "add_prefix_space", where),
                                       get_bool(json, "use_regex", where).value_or(true),
                                       leave_bytes);
  }
  if (type == "Split") return make_split(json, where);
  if (type == "Digits") {
    const bool single = required_bool(json, "individual_digits", where);
    return std::make_unique<ClassSplit>(
        kNumeric, single ? SplitBehavior::kIsolated : SplitBehavior::kContiguous);
  }
  if (type == "Punctuation") return make_punctuation(json, where);
  if (type == "Whitespace") return std::make_unique<WordSplit>();
  if (type == "WhitespaceSplit") {
    return std::make_unique<ClassSplit>(kSpace, SplitBehavior::kRemoved);
  }
  if (type == "CharDelimiterSplit") return make_delimiter(json, where);
  if (type == "FixedLength") return make_fixed_length(json, where);
  if (type == "Metaspace") return std::make_unique<Metaspace>(json, where);
  fail_unknown(where, "pre-tokenizer", type,
               "ByteLevel, Split, Digits, Punctuation, Whitespace, WhitespaceSplit, "
               "BertPreTokenizer, CharDelimiterSplit, FixedLength, Metaspace, Sequence");
}

}  // namespace

void add_pre_tokenizer_steps(const Json& component, std::string_view where, bool leave_bytes,
                             std::vector<Step>& steps) {
  const std::string type = type_of(component, where);
  if (type == "BertPreTokenizer") {
    steps.push_back(std::make_unique<ClassSplit>(kSpace, SplitBehavior::kRemoved));
    steps.push_back(std::make_unique<ClassSplit>(kPunctuation, SplitBehavior::kIsolated));
    return;
  }
  steps.push_back(make_step(type, component, where, leave_bytes));
}

}  // namespace xlstm::text
