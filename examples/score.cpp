// How likely texts are: which of several continuations fits best, and the perplexity of a text.
//
//   score [model]
#include <cmath>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/text/tokenizer.h"

namespace {

double sum(const std::vector<float>& log_probabilities) {
  return std::accumulate(log_probabilities.begin(), log_probabilities.end(), 0.0);
}

// The continuations may differ in length: they are whole answers, so it is the sum that counts.
void compare(const xlstm::Engine& engine) {
  auto session = engine.session();
  session.read("Once upon a time there was a");
  std::string best;
  double highest = -INFINITY;
  for (const std::string continuation : {" little girl", " philosopher", " steam engine"}) {
    auto fork = session;  // score() reads; the next continuation shall start where this one did
    const double likelihood = sum(fork.score(engine.tokenizer().encode(continuation)));
    std::cout << "log-probability " << likelihood << ":" << continuation << "\n";
    if (likelihood > highest) {
      highest = likelihood;
      best = continuation;
    }
  }
  std::cout << "likeliest:" << best << "\n";
}

void print_perplexity(const xlstm::Engine& engine, const std::string& text) {
  std::vector<std::int32_t> ids = engine.tokenizer().encode(text);
  if (engine.bos_id()) ids.insert(ids.begin(), *engine.bos_id());
  const std::vector<float> each = engine.score(ids);  // of all but the first
  const double mean = sum(each) / static_cast<double>(each.size());
  std::cout << "perplexity " << std::exp(-mean) << " of " << each.size() << " tokens: " << text
            << "\n";
}

}  // namespace

int main(int argc, char** argv) try {
  const auto engine = xlstm::Engine::open(argc > 1 ? argv[1] : "classics-8m");
  compare(engine);
  print_perplexity(engine, "She had been there for a long time, and did not know what to say.");
  print_perplexity(engine, "Say to what know not did and, time long a for there been had she.");
} catch (const xlstm::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
