// Requests to a batch, and what they are answered alone.
#pragma once

#include <gtest/gtest.h>

#include <exception>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/generate/classics.h"
#include "xlstm/generate/batch.h"
#include "xlstm/generate/generator.h"

namespace xlstm::test {

using Ids = std::vector<TokenId>;
using Row = Batch::Row;

inline std::string message_of(const std::exception_ptr& error) {
  if (!error) return "no error";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  }
}

// A prompt and how to answer it.
struct Request {
  Ids prompt;
  GenerateOptions options;
};

// Greedy, cold, hot, cut and penalised ones in turn.
inline Request some_request(std::size_t number, std::size_t length, std::int64_t max_tokens) {
  static const Ids text = classics().tokenizer.encode(book("alice.txt").substr(0, 20000));
  Request request;
  const std::size_t at = 37 * number % 3000;
  request.prompt.assign(text.begin() + static_cast<std::ptrdiff_t>(at),
                        text.begin() + static_cast<std::ptrdiff_t>(at + length));
  request.options.max_tokens = max_tokens;
  Sampling& sampling = request.options.sampling;
  sampling.seed = number;
  switch (number % 5) {
    case 0:
      sampling.temperature = 0;
      break;
    case 1:
      sampling.temperature = 0.7F;
      break;
    case 2:
      sampling.top_k = 20;
      break;
    case 3:
      sampling.top_p = 0.9F;
      sampling.min_p = 0.02F;
      break;
    case 4:
      sampling.repetition_penalty = 1.2F;
      sampling.frequency_penalty = 0.1F;
      break;
  }
  return request;
}

// On the embedded model.
class BatchTest : public ::testing::TestWithParam<testing::BackendCase> {
 protected:
  const Model& model() const { return classics(GetParam()).model; }
  const Tokenizer& tokenizer() const { return classics().tokenizer; }

  State start() const { return model().initial_state(); }

  // A state that has read something, for prompts of no tokens.
  State read_some() const {
    State state = start();
    const Ids ids = golden_ids("p1.ids");
    generate(model(), tokenizer(), state, ids, {.max_tokens = 0});
    return state;
  }

  State start_of(const Request& request) const {
    return request.prompt.empty() ? read_some() : start();
  }

  Sequence sequence(const Request& request, OnToken on_token = {}) const {
    return {model(),        &tokenizer(),    start_of(request),
            request.prompt, request.options, std::move(on_token)};
  }

  // The truth: the same request with nobody beside it.
  Ids alone(const Request& request) const {
    State state = start_of(request);
    return generate(model(), tokenizer(), state, request.prompt, request.options).tokens;
  }

  std::map<Row, Batch::Finished> run(Batch& batch) const {
    std::map<Row, Batch::Finished> all;
    batch.run([&](Batch::Finished each) { all.emplace(each.row, std::move(each)); });
    return all;
  }
};

}  // namespace xlstm::test
