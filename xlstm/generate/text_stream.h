// Tokens in, certain text out: whole characters, nothing of a stop string.
#pragma once

#include <string>
#include <vector>

#include "xlstm/generate/stop.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm {

// A copy goes on from the same place.
class TextStream {
 public:
  // Throws Error(kUsage) as StopScanner does.
  TextStream(const Tokenizer& tokenizer, const std::vector<std::string>& stops);

  // The text that is certain with this token.
  std::string push(TokenId id);
  // The same of an end token, which is not shown: what it completes to a stop string is not shown
  // either.
  std::string push_end(TokenId id);
  // What was held back. Its last character may complete a stop string.
  std::string finish();

  bool stopped() const { return scanner_.stopped(); }  // by a stop string

 private:
  std::string push_hidden(TokenId id);

  Tokenizer tokenizer_;
  Detokenizer detokenizer_;
  StopScanner scanner_;
};

}  // namespace xlstm
