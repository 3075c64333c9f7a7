// The best of several answers: a prompt is read once, several answers go on from there, each with a
// seed of its own, and the one that the model finds likeliest goes on.
//
//   best_of_n [model]
#include <algorithm>
#include <exception>
#include <iostream>
#include <numeric>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/generate/batch.h"

namespace {

// The mean over an answer's tokens: of sums, the shortest answer's would be the highest.
double mean_log_probability(const xlstm::Sequence& sequence) {
  const std::vector<float>& each = sequence.result().log_probabilities;
  return std::accumulate(each.begin(), each.end(), 0.0) / static_cast<double>(each.size());
}

}  // namespace

int main(int argc, char** argv) try {
  const auto engine = xlstm::Engine::open(argc > 1 ? argv[1] : "classics-8m");
  auto session = engine.session();
  session.read("The old man looked at the sea, and");

  // Each sequence is a fork of the session, which stays where it is. The batch reads the weights
  // once a step for all of them.
  auto batch = engine.batch();
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    batch.add(session.sequence({.max_tokens = 20,
                                .temperature = 0.8F,
                                .seed = seed,
                                .top_log_probabilities = 0}));  // the chosen token's, no others
  }
  std::vector<xlstm::Sequence> answers;
  batch.run([&answers](xlstm::Batch::Finished finished) {
    if (finished.error) std::rethrow_exception(finished.error);
    answers.push_back(std::move(*finished.sequence));
  });

  std::sort(answers.begin(), answers.end(), [](const auto& a, const auto& b) {
    return mean_log_probability(a) > mean_log_probability(b);
  });
  for (const xlstm::Sequence& answer : answers) {
    std::cout << mean_log_probability(answer) << "  seed " << answer.result().seed << ":"
              << answer.result().text << "\n";
  }

  // The session takes the state in which the best answer ended: nothing is read a second time.
  session.go_on_from(answers.front());
  const auto rest = session.complete({.max_tokens = 20, .temperature = 0, .stop = {"\n"}});
  std::cout << "the best goes on:" << rest.text << "\n";
} catch (const xlstm::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
