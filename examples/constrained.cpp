// Answers that fit: what a regular expression matches, or JSON that a schema describes.
//
//   constrained [model]
#include <iostream>
#include <memory>

#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/grammar/json_constraint.h"
#include "xlstm/grammar/regex_constraint.h"
#include "xlstm/wiring/plan.h"

int main(int argc, char** argv) try {
  const auto engine = xlstm::Engine::open(argc > 1 ? argv[1] : "classics-8m");
  // The vocabulary as a tree of bytes, which all constraints for this model share.
  const auto tries = xlstm::TokenTries::of(engine.tokenizer(), engine.plan().V);

  xlstm::Request request = {.prompt = "\"Is it far to the sea?\" He said, \"", .temperature = 0};
  request.constraint = xlstm::regex_constraint("(Yes|No), [a-z ]{5,40}\\.", tries);
  std::cout << "matches: " << engine.complete(request).text << "\n";

  // One constraint serves any number of requests: each answer takes a clone.
  const char* const schema = R"({"type": "object",
      "properties": {"rank": {"enum": ["captain", "mate", "cook"]},
                     "years at sea": {"type": "integer"},
                     "can swim": {"type": "boolean"}},
      "required": ["rank", "years at sea", "can swim"]})";
  request = {.prompt = "He was an old sailor, and", .max_tokens = 100, .temperature = 0};
  request.constraint = xlstm::json_schema_constraint(schema, tries);
  const xlstm::Completion answer = engine.complete(request);
  std::cout << "JSON: " << answer.text << " (" << xlstm::name_of(answer.stop_reason) << ")\n";
} catch (const xlstm::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
