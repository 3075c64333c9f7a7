#include "xlstm/backend/sampling.h"

#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

void want(bool ok, std::string_view field, std::string_view wanted, double got) {
  if (!ok) fail_wanted(ErrorKind::kUsage, field, wanted, str(got));
}

}  // namespace

void check_ids(std::string_view where, std::span<const std::int32_t> ids, std::int64_t V) {
  for (const std::int32_t id : ids) {
    if (id >= 0 && id < V) continue;
    fail_wanted(ErrorKind::kUsage, where, str("token ids in [0, ", V, ")"), str(id));
  }
}

void check(const Sampling& s, std::int64_t V, std::span<const std::int32_t> never) {
  check_ids("never", never, V);
  std::set<std::int32_t> barred(never.begin(), never.end());
  for (const auto& [id, bias] : s.logit_bias) {
    check_ids("logit_bias", std::span(&id, 1), V);
    want(bias < kInf, "logit_bias", "numbers or -inf", bias);  // false for NaN
    if (bias == -kInf) barred.insert(id);
  }
  want(s.repetition_penalty > 0 && s.repetition_penalty < kInf, "repetition_penalty",
       "a number above 0", s.repetition_penalty);
  want(std::isfinite(s.presence_penalty), "presence_penalty", "a number", s.presence_penalty);
  want(std::isfinite(s.frequency_penalty), "frequency_penalty", "a number", s.frequency_penalty);
  want(s.temperature >= 0 && s.temperature < kInf, "temperature", "0 (greedy) or a number above 0",
       s.temperature);
  want(s.top_k >= 0, "top_k", "0 (off) or more", s.top_k);
  want(s.top_p > 0 && s.top_p <= 1, "top_p", "a number in (0, 1]", s.top_p);
  want(s.min_p >= 0 && s.min_p <= 1, "min_p", "a number in [0, 1]", s.min_p);
  if (static_cast<std::int64_t>(barred.size()) >= V) {
    fail_wanted(ErrorKind::kUsage, "logit_bias", "at least one token that may be chosen", "none");
  }
}

std::uint64_t random_seed() {
  return std::random_device()();
}

}  // namespace xlstm
