// What a step of decoding remembers from token to token: a value, so that a stream can be copied.
#pragma once

#include <cstddef>
#include <string>

namespace xlstm {

struct DecoderState {
  std::string held;       // text or bytes not yet decided upon
  std::string bytes;      // bytes of characters not yet complete
  std::size_t count = 0;  // tokens, or characters, so far
};

}  // namespace xlstm
