// What a run took. Free of other headers, so that the engine's users need no more than this.
#pragma once

#include <cstdint>

namespace xlstm {

struct Statistics {
  std::int64_t prompt_tokens = 0;  // that were read
  std::int64_t generated_tokens = 0;
  double load_seconds = 0;            // of the model, once
  double prefill_seconds = 0;         // reading the prompt
  double decode_seconds = 0;          // from the first token to the last
  double first_token_seconds = 0;     // from the call to the first token read
  std::uint64_t peak_bytes = 0;       // peak resident or device memory, whichever is larger
  std::uint64_t bytes_per_token = 0;  // weights and state moved per decoded token

  // 0 where there was nothing to measure.
  double prefill_tokens_per_second() const { return rate(prompt_tokens, prefill_seconds); }
  double decode_tokens_per_second() const { return rate(generated_tokens - 1, decode_seconds); }

 private:
  static double rate(std::int64_t tokens, double seconds) {
    return tokens > 0 && seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
  }
};

}  // namespace xlstm
