#include "xlstm/text/normalizer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/text/byte_level.h"
#include "xlstm/text/characters.h"
#include "xlstm/text/component.h"
#include "xlstm/text/replace.h"
#include "xlstm/text/unicode_normal.h"

namespace xlstm::text {
namespace {

class UnicodeForm final : public Normalizer {
 public:
  explicit UnicodeForm(NormalForm form) : form_(form) {}
  void apply(std::string& text, Progress& progress) const override {
    normalize(text, form_, progress);
  }

 private:
  NormalForm form_;
};

// Appends what each code point becomes.
class PerCharacter final : public Normalizer {
 public:
  using Change = void (*)(std::string& out, char32_t c);
  explicit PerCharacter(Change change) : change_(change) {}
  void apply(std::string& text, Progress& progress) const override {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
      const CodePoint point = code_point_at(text, at);
      change_(out, point.value);
      at += point.size;
      progress.work(point.size);
    }
    text = std::move(out);
  }

 private:
  Change change_;
};

void without_marks(std::string& out, char32_t c) {
  if ((classes_of(c) & kMark) == 0) append_utf8(out, c);
}

// SentencePiece's "NMT" rules: controls vanish, exotic spaces become spaces.
void nmt(std::string& out, char32_t c) {
  const bool is_control = (c >= 0x1 && c <= 0x8) || c == 0xB || (c >= 0xE && c <= 0x1F) ||
                          c == 0x7F || c == 0x8F || c == 0x9F;
  if (is_control) return;
  const bool is_blank = c == 0x9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 ||
                        (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
                        c == 0xFEFF || c == 0xFFFD;
  append_utf8(out, is_blank ? U' ' : c);
}

class Strip final : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}
  void apply(std::string& text, Progress&) const override {
    if (right_) text.resize(trailing_space(text));
    if (left_) text.erase(0, leading_space(text));
  }

 private:
  static std::size_t leading_space(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
      const CodePoint point = code_point_at(text, at);
      if ((classes_of(point.value) & kSpace) == 0) break;
      at += point.size;
    }
    return at;
  }
  static std::size_t trailing_space(std::string_view text) {
    std::size_t end = text.size();
    while (end > 0) {
      const std::size_t before = previous_code_point(text, end);
      if ((classes_of(code_point_at(text, before).value) & kSpace) == 0) break;
      end = before;
    }
    return end;
  }

  bool left_, right_;
};

class Prepend final : public Normalizer {
 public:
  explicit Prepend(std::string text) : prefix_(std::move(text)) {}
  void apply(std::string& text, Progress&) const override {
    if (!text.empty()) text.insert(0, prefix_);
  }

 private:
  std::string prefix_;
};

// Limit of a text's length after normalisation, far above what valid normalizers make.
std::size_t most_of(std::size_t size) {
  constexpr std::size_t kAtLeast = 1 << 20, kTimes = 32;
  return std::max(kAtLeast, kTimes * size);
}

class ReplaceAll final : public Normalizer {
 public:
  explicit ReplaceAll(Replacement replacement) : replacement_(std::move(replacement)) {}
  void apply(std::string& text, Progress& progress) const override {
    text = replacement_.apply(text, most_of(text.size()), progress);
  }

 private:
  Replacement replacement_;
};

class ByteLevelText final : public Normalizer {
 public:
  void apply(std::string& text, Progress&) const override { text = byte_level_text(text); }
};

class Sequence final : public Normalizer {
 public:
  explicit Sequence(std::vector<std::unique_ptr<const Normalizer>> parts)
      : parts_(std::move(parts)) {}
  void apply(std::string& text, Progress& progress) const override {
    const std::size_t most = most_of(text.size());
    for (const auto& part : parts_) {
      part->apply(text, progress);
      if (text.size() <= most) continue;
      fail_wanted(ErrorKind::kModel, "tokenizer",
                  str("a normalizer that makes at most ", most, " bytes"), str(text.size()));
    }
  }

 private:
  std::vector<std::unique_ptr<const Normalizer>> parts_;
};

std::unique_ptr<const Normalizer> make_sequence(const Json& json, std::string_view where) {
  std::vector<std::unique_ptr<const Normalizer>> parts;
  for (const Json& part : required_array(json, "normalizers", where)) {
    // An element may not be null, unlike the member "normalizer" itself.
    type_of(part, where);
    parts.push_back(make_normalizer(part, where));
  }
  return std::make_unique<Sequence>(std::move(parts));
}

}  // namespace

std::unique_ptr<const Normalizer> make_normalizer(const Json& json, std::string_view where) {
  if (json.is_null()) return nullptr;
  const std::string type = type_of(json, where);
  if (type == "NFC") return std::make_unique<UnicodeForm>(NormalForm::kNfc);
  if (type == "NFD") return std::make_unique<UnicodeForm>(NormalForm::kNfd);
  if (type == "NFKC") return std::make_unique<UnicodeForm>(NormalForm::kNfkc);
  if (type == "NFKD") return std::make_unique<UnicodeForm>(NormalForm::kNfkd);
  if (type == "Lowercase") return std::make_unique<PerCharacter>(append_lowercase);
  if (type == "StripAccents") return std::make_unique<PerCharacter>(without_marks);
  if (type == "Nmt") return std::make_unique<PerCharacter>(nmt);
  if (type == "ByteLevel") return std::make_unique<ByteLevelText>();
  if (type == "Sequence") return make_sequence(json, where);
  if (type == "Strip") {
    return std::make_unique<Strip>(required_bool(json, "strip_left", where),
                                   required_bool(json, "strip_right", where));
  }
  if (type == "Prepend") {
    return std::make_unique<Prepend>(required_string(json, "prepend", where));
  }
  if (type == "Replace") {
    return std::make_unique<ReplaceAll>(
        Replacement(pattern_text(json, where), required_string(json, "content", where), where));
  }
  fail_unknown(where, "normalizer", type,
               "NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Nmt, ByteLevel, Prepend, "
               "Replace, Sequence");
}

}  // namespace xlstm::text
