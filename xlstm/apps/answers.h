// Several answers to one prompt, which is read once.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "xlstm/engine/engine.h"

namespace xlstm::apps {

struct AnswersWanted {
  int n = 1;                     // answers to give
  std::optional<int> best_of{};  // of so many, those with the best mean log-probability; >= n
};

struct Answer {
  int number = 0;  // from 0, by seed
  Completion completion;
  Session session;  // after it
};

// The mean log-probability of an answer's tokens, by which the best are chosen. Of none: 0.
double mean_log_probability(const Completion& completion);

// Answers with the seeds seed, seed + 1, ... (the first made up where the request has none), side
// by side; the best first where best_of asks for them, else by number. `session` stays where it is.
// on_progress gets the share of all tokens that is done. Throws Error as Session::complete does; a
// request that is cancelled gives the answers as far as they came.
std::vector<Answer> answers(const Engine& engine, const Session& session, Request request,
                            const AnswersWanted& wanted,
                            const std::function<void(double)>& on_progress);

}  // namespace xlstm::apps
