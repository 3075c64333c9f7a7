#include "xlstm/text/replace.h"

#include <utility>

#include "xlstm/base/error.h"

namespace xlstm::text {

Replacement::Replacement(const PatternText& pattern, std::string content, std::string_view where)
    : content_(std::move(content)) {
  // An empty text matches between all characters, as the empty regular expression does.
  if (pattern.is_regex || pattern.text.empty()) {
    pattern_ = std::make_shared<const Pattern>(pattern.text, where);
  } else {
    literal_ = pattern.text;
  }
}

std::string Replacement::apply(std::string_view text, std::size_t most, Progress& progress) const {
  std::string out;
  std::size_t copied = 0;
  const auto replace = [&](std::size_t begin, std::size_t end) {
    out.append(text, copied, begin - copied);
    out += content_;
    progress.work(end - copied + content_.size());
    copied = end;
    if (out.size() > most) {
      fail_wanted(ErrorKind::kModel, "tokenizer",
                  str("a replacement that makes at most ", most, " bytes of ", text.size()),
                  "more");
    }
  };
  if (pattern_) {
    Pattern::Matcher matcher(*pattern_);
    matcher.start(text);
    while (const auto match = matcher.next()) replace(match->begin, match->end);
  } else {
    for (std::size_t at = text.find(literal_); at != std::string_view::npos;
         at = text.find(literal_, copied)) {
      replace(at, at + literal_.size());
    }
  }
  out.append(text, copied, std::string_view::npos);
  return out;
}

}  // namespace xlstm::text
