#define PCRE2_CODE_UNIT_WIDTH 8
#include "xlstm/text/pattern.h"

#include <pcre2.h>

#include <algorithm>
#include <limits>

#include "xlstm/base/error.h"
#include "xlstm/text/characters.h"
#include "xlstm/text/pattern_syntax.h"

namespace xlstm::text {
namespace {

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
template <typename T, auto Free>
using Owned = std::unique_ptr<T, Freer<Free>>;

using CompileContext = Owned<pcre2_compile_context, pcre2_compile_context_free>;
using MatchContext = Owned<pcre2_match_context, pcre2_match_context_free>;
using MatchData = Owned<pcre2_match_data, pcre2_match_data_free>;
using CodePointer = Owned<pcre2_code, pcre2_code_free>;

std::string message_of(int code) {
  PCRE2_UCHAR text[256] = {};
  pcre2_get_error_message(code, text, sizeof(text));
  return reinterpret_cast<const char*>(text);
}

PCRE2_SPTR bytes_of(std::string_view text) {
  // PCRE2 wants a pointer even for nothing.
  return reinterpret_cast<PCRE2_SPTR>(text.data() == nullptr ? "" : text.data());
}

CodePointer compile(const std::string& expression, std::string_view shown, std::string_view where) {
  constexpr std::uint32_t kOptions =
      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
  const CompileContext context(pcre2_compile_context_create(nullptr));
  if (!context) throw std::bad_alloc();
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  CodePointer code(pcre2_compile(bytes_of(expression), expression.size(), kOptions, &error, &offset,
                                 context.get()));
  if (!code) {
    fail(ErrorKind::kModel, where,
         str("cannot run the pattern ", quoted(shown), ": ", message_of(error)));
  }
  // Without a just-in-time compiler on this machine the pattern is interpreted.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  return code;
}

}  // namespace

struct Pattern::Code {
  CodePointer pointer;
};

struct Pattern::Matcher::MatchMemory {
  MatchData data;
  MatchContext context;
};

Pattern::Pattern(std::string_view expression, std::string_view where)
    : code_(std::make_unique<Code>()), shown_(quoted(expression)) {
  code_->pointer = compile(pcre2_from_oniguruma(expression, where), expression, where);
}

Pattern::~Pattern() = default;

Pattern::Matcher::Matcher(const Pattern& pattern)
    : pattern_(pattern), memory_(std::make_unique<MatchMemory>()) {
  memory_->data.reset(pcre2_match_data_create_from_pattern(pattern.code_->pointer.get(), nullptr));
  memory_->context.reset(pcre2_match_context_create(nullptr));
  if (!memory_->data || !memory_->context) throw std::bad_alloc();
}

Pattern::Matcher::~Matcher() = default;

void Pattern::Matcher::start(std::string_view text) {
  // Steps a pattern may take for one match: some for each byte, and enough to look around.
  constexpr std::uint64_t kSteps = 1'000'000;
  constexpr std::uint64_t kStepsPerByte = 16;
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  constexpr std::uint32_t kHeapKiB = 512 * 1024;
  const std::uint64_t limit = std::min(kMost, kSteps + kStepsPerByte * text.size());
  pcre2_set_match_limit(memory_->context.get(), static_cast<std::uint32_t>(limit));
  pcre2_set_heap_limit(memory_->context.get(), kHeapKiB);
  text_ = text;
  from_ = 0;
  last_end_.reset();
}

std::optional<Match> Pattern::Matcher::search() {
  const auto match = [&](std::uint32_t options) {
    return pcre2_match(pattern_.code_->pointer.get(), bytes_of(text_), text_.size(), from_,
                       PCRE2_NO_UTF_CHECK | options, memory_->data.get(), memory_->context.get());
  };
  int found = match(0);
  if (found == PCRE2_ERROR_JIT_STACKLIMIT) found = match(PCRE2_NO_JIT);
  if (found == PCRE2_ERROR_NOMATCH) return std::nullopt;
  if (found < 0) {
    fail(ErrorKind::kUsage, "tokenizer",
         str("the pattern ", pattern_.shown_, " cannot cut this text: ", message_of(found)));
  }
  const PCRE2_SIZE* range = pcre2_get_ovector_pointer(memory_->data.get());
  return Match{range[0], range[1]};
}

std::optional<Match> Pattern::Matcher::next() {
  while (from_ <= text_.size()) {
    const std::optional<Match> match = search();
    if (!match) {
      from_ = text_.size() + 1;
      break;
    }
    if (match->begin == match->end && last_end_ == match->end) {
      from_ += from_ < text_.size() ? code_point_at(text_, from_).size : 1;
      continue;
    }
    from_ = match->end;
    last_end_ = match->end;
    return match;
  }
  return std::nullopt;
}

}  // namespace xlstm::text
