// "Replace every match of a pattern by a text", which normalizers and decoders share.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "xlstm/text/component.h"
#include "xlstm/text/pattern.h"
#include "xlstm/text/progress.h"

namespace xlstm::text {

class Replacement {
 public:
  // Throws Error(kModel) for a regular expression we cannot run.
  Replacement(const PatternText& pattern, std::string content, std::string_view where);

  // Throws Error(kModel) where the result has more than `most` bytes: a file could ask for
  // replacements that grow without end.
  std::string apply(std::string_view text, std::size_t most, Progress& progress) const;

  // The text searched for, empty where a regular expression is.
  const std::string& literal() const { return literal_; }
  const std::string& content() const { return content_; }

 private:
  std::string literal_;
  std::shared_ptr<const Pattern> pattern_;  // where literal_ is empty
  std::string content_;
};

}  // namespace xlstm::text
