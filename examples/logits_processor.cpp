// A hook on the logits: before each token a function of yours changes them. This one forbids a
// letter, as in a lipogram, and whole words.
//
//   logits_processor [model]
#include <algorithm>
#include <iostream>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/text/tokenizer.h"

namespace {

using Ids = std::vector<std::int32_t>;
constexpr float kNever = -std::numeric_limits<float>::infinity();

// All tokens whose text has one of `letters`.
Ids tokens_with(const xlstm::Tokenizer& tokenizer, std::string_view letters) {
  Ids found;
  for (std::int32_t id = 0; id <= tokenizer.max_id(); ++id) {
    if (tokenizer.token_bytes(id).find_first_of(letters) != std::string::npos) found.push_back(id);
  }
  return found;
}

class Forbid {
 public:
  Forbid(Ids tokens, std::vector<Ids> words)
      : tokens_(std::move(tokens)), words_(std::move(words)) {}

  // `so_far` is the prompt and the answer up to here, `logits` [V] what the model gives each token
  // of the vocabulary.
  void operator()(std::span<const std::int32_t> so_far, std::span<float> logits) const {
    for (const std::int32_t id : tokens_) logits[static_cast<std::size_t>(id)] = kNever;
    for (const Ids& word : words_) {
      const std::size_t begun = word.size() - 1;  // its last token must not follow the others
      if (so_far.size() < begun) continue;
      if (std::equal(word.begin(), word.end() - 1, so_far.end() - static_cast<long>(begun))) {
        logits[static_cast<std::size_t>(word.back())] = kNever;
      }
    }
  }

 private:
  Ids tokens_;
  std::vector<Ids> words_;
};

}  // namespace

int main(int argc, char** argv) try {
  const auto engine = xlstm::Engine::open(argc > 1 ? argv[1] : "classics-8m");
  const auto& tokenizer = engine.tokenizer();
  xlstm::Request request = {
      .prompt = "In the morning", .max_tokens = 30, .temperature = 0, .stop = {"\n"}};
  std::cout << "free:" << engine.complete(request).text << "\n";

  request.process_logits = Forbid(tokens_with(tokenizer, "eE"), {});
  std::cout << "without e:" << engine.complete(request).text << "\n";

  const std::vector<Ids> words = {tokenizer.encode(" was"), tokenizer.encode(" Mr. Stevenson")};
  request.process_logits = Forbid({}, words);
  std::cout << "without was and Mr. Stevenson:" << engine.complete(request).text << "\n";
} catch (const xlstm::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
