// The embedded model as an engine in float32, opened once for a test program.
#pragma once

#include <string>

#include "tests/generate/classics.h"
#include "xlstm/engine/engine.h"

namespace xlstm::test {

inline const Engine& engine() {
  static const Engine opened =
      Engine::open(classics_folder().string(), {.dtype = "float32", .device = "cpu"});
  return opened;
}

inline Request greedy(const std::string& prompt, std::int64_t max_tokens) {
  return {.prompt = prompt, .max_tokens = max_tokens, .temperature = 0, .stop_at_end_token = false};
}

}  // namespace xlstm::test
