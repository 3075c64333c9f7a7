// The pre_tokenizer of a tokenizer.json: cuts normalised text into pieces that are encoded each by
// itself.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "xlstm/base/json_fwd.h"
#include "xlstm/text/splitting.h"

namespace xlstm::text {

// One step: a piece -> pieces, which may be new text.
class PreTokenizerStep {
 public:
  virtual ~PreTokenizerStep() = default;
  // A piece handed on is good only during take().
  virtual void run(const Piece& piece, PieceSink& next) const = 0;
};

class PreTokenizer {
 public:
  // From the member "pre_tokenizer"; null leaves text whole. Throws Error: kFormat, kModel.
  PreTokenizer(const Json& json, std::string_view where);

  // Whether the last step spells bytes as characters (byte_level.h). It is left undone: the pieces
  // are bytes, and whoever takes them knows what they stand for.
  bool gives_bytes() const { return gives_bytes_; }

  // Hands on the pieces of a piece that is not empty.
  void run(const Piece& piece, PieceSink& sink) const;

 private:
  std::vector<std::unique_ptr<const PreTokenizerStep>> steps_;
  bool gives_bytes_ = false;
};

}  // namespace xlstm::text
