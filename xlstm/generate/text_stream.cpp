#include "xlstm/generate/text_stream.h"

#include <utility>

namespace xlstm {

TextStream::TextStream(const Tokenizer& tokenizer, const std::vector<std::string>& stops)
    : tokenizer_(tokenizer), detokenizer_(tokenizer), scanner_(stops, tokenizer) {}

std::string TextStream::push(TokenId id) {
  if (scanner_.names_hidden() && tokenizer_.is_hidden(id)) return push_hidden(id);
  return scanner_.push(detokenizer_.push(id));
}

std::string TextStream::push_end(TokenId id) {
  const bool is_named = scanner_.names_hidden() && tokenizer_.is_hidden(id);
  return is_named ? push_hidden(id) : "";
}

std::string TextStream::finish() {
  if (scanner_.stopped()) return "";
  std::string rest = scanner_.push(detokenizer_.finish());
  rest += scanner_.finish();
  return rest;
}

// A stop that ends here may begin in a character that the detokenizer has not let go of yet.
std::string TextStream::push_hidden(TokenId id) {
  StopScanner ahead = scanner_;
  std::string before = ahead.push(Detokenizer(detokenizer_).finish());
  before += ahead.push_hidden(id);
  if (!ahead.stopped()) return scanner_.push_hidden(id);
  scanner_ = std::move(ahead);
  return before;
}

}  // namespace xlstm
