// The decoder of a tokenizer.json: spellings of tokens -> text, token by token.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/base/json_fwd.h"
#include "xlstm/text/decoder_state.h"

namespace xlstm::text {

class DecoderStep;

// A chain of steps. Tokens go in at one end; text comes out at the other as soon as no later token
// can change it.
class Decoder {
 public:
  // From the member "decoder"; null puts spaces between the tokens. Throws Error: kFormat, kModel.
  Decoder(const Json& json, std::string_view where);
  ~Decoder();

  std::vector<DecoderState> start() const;
  void push(std::string_view token, std::span<DecoderState> states, std::string& out) const;
  void finish(std::span<DecoderState> states, std::string& out) const;

  // The bytes that a token in the middle of a text stands for.
  std::string bytes_of(std::string_view token) const;

 private:
  std::vector<std::unique_ptr<const DecoderStep>> steps_;
};

}  // namespace xlstm::text
