// Random rows and options of all kinds together: the token that a backend takes is the one that the
// definition in float64 takes, with the cuts made by sorting.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <string>

#include "tests/backend/backends.h"

namespace xlstm {
namespace {

using Id = std::int32_t;
using Ids = std::vector<Id>;

constexpr float kInf = std::numeric_limits<float>::infinity();

struct Case {
  Sampling sampling;
  std::vector<float> logits;
  Ids never, seen;
  std::vector<std::uint64_t> allowed;  // empty: all
  std::uint64_t seed = 0;
};

std::size_t at(Id id) {
  return static_cast<std::size_t>(id);
}

// --- the definition --------------------------------------------------------------------------

// float64 all the way. The backends' penalties are rounded to float32 once, so that they are here.
std::vector<double> corrected(const Case& c) {
  std::vector<double> logits(c.logits.begin(), c.logits.end());
  for (std::size_t i = 0; i < logits.size() && !c.allowed.empty(); ++i) {
    if ((c.allowed[i / 64] >> (i % 64) & 1) == 0) logits[i] = -kInf;
  }
  for (const Id id : c.never) logits[at(id)] = -kInf;
  for (const auto& [id, bias] : c.sampling.logit_bias) {
    logits[at(id)] = static_cast<float>(logits[at(id)] + static_cast<double>(bias));
  }
  std::map<Id, double> counts;
  for (const Id id : c.seen) counts[id] += 1;
  for (const auto& [id, count] : counts) {
    double l = logits[at(id)];
    const double penalty = c.sampling.repetition_penalty;
    l = l > 0 ? l / penalty : l * penalty;
    l -= c.sampling.presence_penalty + c.sampling.frequency_penalty * count;
    logits[at(id)] = static_cast<float>(l);
  }
  return logits;
}

Ids in_order(const std::vector<double>& logits) {
  Ids ids;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] != -kInf) ids.push_back(static_cast<Id>(i));
  }
  std::stable_sort(ids.begin(), ids.end(),
                   [&](Id a, Id b) { return logits[at(a)] > logits[at(b)]; });
  return ids;
}

// What stays, likeliest first, of top_p + shift and min_p * (1 - shift).
Ids survivors(const Sampling& s, const std::vector<double>& logits, double shift) {
  Ids left = in_order(logits);
  if (s.is_greedy()) {
    left.resize(1);
    return left;
  }
  if (s.top_k > 0) left.resize(std::min(left.size(), static_cast<std::size_t>(s.top_k)));
  const double most = logits[at(left[0])];
  const auto weight = [&](Id id) { return std::exp((logits[at(id)] - most) / s.temperature); };
  if (s.top_p < 1) {
    double total = 0, mass = 0;
    for (const Id id : left) total += weight(id);
    std::size_t count = 0;
    while (count < left.size() && (count == 0 || mass < (s.top_p + shift) * total)) {
      mass += weight(left[count++]);
    }
    left.resize(count);
  }
  // Equals are equal to the likeliest however one rounds.
  const double least = std::min(1.0, s.min_p * (1 - shift));
  std::erase_if(left, [&](Id id) { return weight(id) < least; });
  return left;
}

// The first number of a seed: SplitMix64.
double first_number(std::uint64_t seed) {
  std::uint64_t z = seed + 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

// Borders of a token's stretch of the unit interval, the survivors' laid out by their ids.
std::pair<double, double> stretch(const Case& c, const std::vector<double>& logits, Ids left,
                                  Id id) {
  std::sort(left.begin(), left.end());
  double most = -kInf, total = 0, before = 0, own = 0;
  for (const Id each : left) most = std::max(most, logits[at(each)]);
  for (const Id each : left) {
    const double weight = std::exp((logits[at(each)] - most) / c.sampling.temperature);
    if (each < id) before += weight;
    if (each == id) own = weight;
    total += weight;
  }
  return {before / total, (before + own) / total};
}

// --- random cases ----------------------------------------------------------------------------

template <class Value>
Value one_of(std::mt19937_64& random, std::initializer_list<Value> values) {
  return values.begin()[random() % values.size()];
}

Sampling random_sampling(std::mt19937_64& random, std::size_t V) {
  Sampling s;
  for (std::size_t i = random() % 4; i > 0; --i) {
    s.logit_bias[static_cast<Id>(random() % V)] = one_of(random, {-1.0F, 2.5F, -kInf});
  }
  s.repetition_penalty = one_of(random, {1.0F, 1.3F, 0.7F});
  s.presence_penalty = one_of(random, {0.0F, 0.5F, -0.5F});
  s.frequency_penalty = one_of(random, {0.0F, 0.25F});
  s.temperature = one_of(random, {0.0F, 0.4F, 0.8F, 1.0F, 3.0F});
  s.top_k = one_of(random, {0, 1, 3, 40, 200, 5000});
  s.top_p = one_of(random, {1.0F, 0.05F, 0.6F, 0.9F, 0.99F});
  s.min_p = one_of(random, {0.0F, 0.02F, 0.3F, 1.0F});
  return s;
}

Case random_case(std::mt19937_64& random) {
  const std::size_t V = one_of<std::size_t>(random, {8, 63, 64, 65, 200, 1000, 4099});
  std::normal_distribution<float> normal(0, one_of(random, {0.1F, 2.0F, 6.0F}));
  Case c;
  c.sampling = random_sampling(random, V);
  c.logits.resize(V);
  for (float& l : c.logits) l = normal(random);
  if (random() % 2 == 0) {  // many equals
    for (float& l : c.logits) l = std::round(l * 2) / 2;
  }
  for (std::size_t i = 0; i < V / 10; ++i) c.logits[random() % V] = -kInf;
  for (std::size_t i = random() % 3; i > 0; --i) c.never.push_back(static_cast<Id>(random() % V));
  for (std::size_t i = random() % 20; i > 0; --i) c.seen.push_back(static_cast<Id>(random() % V));
  if (random() % 2 == 0) {
    c.allowed.resize((V + 63) / 64);
    for (std::uint64_t& word : c.allowed) word = random() | random();
    // What may not be chosen does not matter.
    for (std::size_t i = 0; i < V; ++i) {
      if ((c.allowed[i / 64] >> (i % 64) & 1) == 0 && i % 3 == 0)
        c.logits[i] = i % 2 == 0 ? NAN : kInf;
    }
  }
  c.seed = random();
  return c;
}

std::string text_of(const Case& c) {
  const Sampling& s = c.sampling;
  return "V " + std::to_string(c.logits.size()) + ", temperature " + std::to_string(s.temperature) +
         ", top_k " + std::to_string(s.top_k) + ", top_p " + std::to_string(s.top_p) + ", min_p " +
         std::to_string(s.min_p);
}

class SamplingProperty : public ::testing::TestWithParam<testing::BackendCase> {};
INSTANTIATE_TEST_SUITE_P(Backends, SamplingProperty,
                         ::testing::ValuesIn(testing::float32_backends()), testing::backend_name);

TEST_P(SamplingProperty, TheTokenIsTheDefinitions) {
  const std::shared_ptr<Backend> b = GetParam().make();
  const bool is_cpu = b->name() == "cpu";
  const int cases = is_cpu ? 4000 : 400;
  std::mt19937_64 random(17);
  int told = 0, sampled = 0;
  for (int i = 0; i < cases; ++i) {
    const Case c = random_case(random);
    SCOPED_TRACE("case " + std::to_string(i) + ", " + text_of(c));
    const auto V = static_cast<std::int64_t>(c.logits.size());
    const std::vector<double> logits = corrected(c);
    const auto from = b->sampler(c.sampling, c.seed, V, c.never);
    from->see(c.seen);
    const Tensor token = b->sample(*from, b->floats({1, V}, c.logits), c.allowed);
    const Id id = b->read_ids(token).front();
    if (in_order(logits).empty()) {
      EXPECT_EQ(id, kNoToken);
      continue;
    }
    // A mass errs by less (kernels/cuts/cuts.h; MLX: a float32 sum of V terms), and a logit by
    // eps of itself at each of its corrections, which are below 40 here, and divided by 0.4 or
    // more.
    const double bound = static_cast<double>(V) * 0x1p-23 + 4 * 100 * 0x1p-24;
    const Ids left = survivors(c.sampling, logits, 0);
    const bool is_near_border = survivors(c.sampling, logits, bound) != left ||
                                survivors(c.sampling, logits, -bound) != left;
    if (is_near_border) continue;
    ++told;
    ASSERT_TRUE(std::find(left.begin(), left.end(), id) != left.end()) << id;
    if (c.sampling.is_greedy() || !is_cpu) continue;
    ++sampled;
    const auto [low, high] = stretch(c, logits, left, id);
    const double u = first_number(c.seed);
    ASSERT_LE(low, u + bound);
    ASSERT_GE(high, u - bound);
  }
  EXPECT_GT(told, cases * 8 / 10);
  EXPECT_GT(sampled, is_cpu ? cases / 2 : -1);
}

}  // namespace
}  // namespace xlstm
