// Rows that are sampled together, samplers that are copied, masks, and rows without a token.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "tests/backend/backends.h"
#include "xlstm/base/error.h"

namespace xlstm {
namespace {

using ::testing::ElementsAre;
using Id = std::int32_t;
using Ids = std::vector<Id>;
using Samplers = std::vector<std::unique_ptr<Sampler>>;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::size_t V = 300;
constexpr std::int64_t kV = V;

std::vector<float> random_row(unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 2);
  std::vector<float> row(V);
  for (float& l : row) l = normal(random);
  return row;
}

std::vector<Sampler*> pointers(const Samplers& samplers) {
  std::vector<Sampler*> out;
  for (const auto& each : samplers) out.push_back(each.get());
  return out;
}

class SampleRows : public ::testing::TestWithParam<testing::BackendCase> {
 protected:
  std::unique_ptr<Sampler> sampler(const Sampling& sampling, std::uint64_t seed = 1,
                                   const Ids& never = {}) {
    return b.sampler(sampling, seed, kV, never);
  }
  Ids sample(const Samplers& samplers, const std::vector<std::vector<float>>& rows,
             std::span<const AllowedIds> allowed = {}) {
    std::vector<float> flat;
    for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
    const Tensor logits = b.floats({static_cast<std::int64_t>(rows.size()), kV}, flat);
    const Tensor chosen = b.sample(pointers(samplers), logits, allowed);
    const auto ids = b.read_ids(chosen);
    return {ids.begin(), ids.end()};
  }
  Id one(Sampler& from, const std::vector<float>& row, AllowedIds allowed = {}) {
    return b.read_ids(b.sample(from, b.floats({1, kV}, row), allowed)).front();
  }
  // `count` tokens, one after the other.
  Ids draw(Sampler& from, const std::vector<float>& row, int count) {
    Ids ids;
    for (int i = 0; i < count; ++i) ids.push_back(one(from, row));
    return ids;
  }

  std::shared_ptr<Backend> backend_ = GetParam().make();
  Backend& b = *backend_;
};
INSTANTIATE_TEST_SUITE_P(Backends, SampleRows, ::testing::ValuesIn(testing::float32_backends()),
                         testing::backend_name);

const std::vector<Sampling> kDifferent = {
    {},
    {.temperature = 0},
    {.frequency_penalty = 0.5F, .temperature = 0},
    {.temperature = 0.7F, .top_k = 20, .top_p = 0.8F, .min_p = 0.01F},
    {.repetition_penalty = 1.4F, .temperature = 1.5F, .top_p = 0.95F},
    {.logit_bias = {{3, 8.0F}, {4, -kInf}}, .temperature = 0},
};

TEST_P(SampleRows, ARowDoesNotDependOnItsNeighbours) {
  Samplers together, alone;
  for (std::size_t i = 0; i < 2 * kDifferent.size(); ++i) {
    for (Samplers* each : {&together, &alone}) {
      each->push_back(sampler(kDifferent[i % kDifferent.size()], i, {5, 6}));
    }
  }
  for (unsigned step = 0; step < 6; ++step) {
    std::vector<std::vector<float>> rows;
    for (unsigned i = 0; i < together.size(); ++i) rows.push_back(random_row(step * 100 + i));
    rows[1][17] = step == 2 ? kNan : 0.0F;  // nor on a neighbour that cannot go on
    const Ids ids = sample(together, rows);
    for (std::size_t i = 0; i < alone.size(); ++i) {
      EXPECT_EQ(ids[i], one(*alone[i], rows[i])) << step << " " << i;
    }
    EXPECT_EQ(ids[1] == kNoToken, step == 2);
  }
}

TEST_P(SampleRows, GreedyRowsTakeTheLikeliestOfEach) {
  Samplers samplers;
  std::vector<std::vector<float>> rows;
  for (unsigned i = 0; i < 5; ++i) {
    samplers.push_back(sampler({.temperature = 0}, i, {7}));
    rows.push_back(std::vector<float>(V, 0));
    rows.back()[7] = 9;
    rows.back()[20 + i] = rows.back()[100] = 2;
  }
  EXPECT_THAT(sample(samplers, rows), ElementsAre(20, 21, 22, 23, 24));
  samplers[2] = sampler({.temperature = 0}, 0, {8});  // its 7 is no token that never comes
  EXPECT_THAT(sample(samplers, rows), ElementsAre(20, 21, 7, 23, 24));
}

TEST_P(SampleRows, NoRowsAreNoTokens) {
  EXPECT_EQ(sample({}, {}), Ids());
}

TEST_P(SampleRows, WhereNothingCanBeChosenThereIsNoToken) {
  const auto none = std::vector<float>(V, -kInf);
  for (const float wrong : {kNan, kInf}) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{150}, V - 1}) {
      auto row = random_row(3);
      row[at] = wrong;
      Samplers samplers;
      for (const Sampling& each : kDifferent) samplers.push_back(sampler(each));
      EXPECT_EQ(sample(samplers, std::vector(kDifferent.size(), row)),
                Ids(kDifferent.size(), kNoToken))
          << wrong << " " << at;
      EXPECT_EQ(sample(samplers, std::vector(kDifferent.size(), none)),
                Ids(kDifferent.size(), kNoToken));
    }
  }
}

TEST_P(SampleRows, ARowWithoutATokenLeavesItsSamplerAsItWas) {
  const Sampling greedy = {.frequency_penalty = 1, .temperature = 0};
  const auto from = sampler(greedy), same = sampler(greedy);
  EXPECT_EQ(one(*from, std::vector<float>(V, -kInf)), kNoToken);
  EXPECT_EQ(draw(*from, random_row(4), 20), draw(*same, random_row(4), 20));
}

TEST_P(SampleRows, WhatNeverComesMayBeNoNumber) {
  auto row = std::vector<float>(V, 0.0F);
  row[5] = kNan;
  row[6] = kInf;
  row[9] = 1;
  for (const Sampling& sampling :
       {Sampling{.temperature = 0}, Sampling{.logit_bias = {{9, 50.0F}}}}) {
    EXPECT_EQ(one(*sampler(sampling, 1, {5, 6}), row), 9);
  }
  EXPECT_EQ(one(*sampler({.logit_bias = {{5, -kInf}, {6, -kInf}}, .temperature = 0}), row), 9);
}

TEST_P(SampleRows, MasksLeaveWhatTheyAllow) {
  const auto row = random_row(5);
  for (const std::size_t id : {std::size_t{0}, std::size_t{63}, std::size_t{64}, V - 1}) {
    std::vector<std::uint64_t> allowed((V + 63) / 64, 0);
    allowed[id / 64] |= std::uint64_t{1} << (id % 64);
    for (const Sampling& sampling : kDifferent) {
      const bool barred = sampling.logit_bias.contains(static_cast<Id>(id));
      if (barred) continue;
      EXPECT_EQ(one(*sampler(sampling), row, allowed), static_cast<Id>(id));
    }
    EXPECT_EQ(one(*sampler({.temperature = 0}, 1, {static_cast<Id>(id)}), row, allowed), kNoToken);
  }
}

TEST_P(SampleRows, AMaskIsOfItsRowAlone) {
  std::vector<std::uint64_t> only_70((V + 63) / 64, 0), all(only_70.size(), ~std::uint64_t{0});
  only_70[1] = std::uint64_t{1} << 6;
  Samplers samplers;
  for (int i = 0; i < 3; ++i) samplers.push_back(sampler({.temperature = 0}));
  auto row = std::vector<float>(V, 0);
  row[11] = 1;
  const std::vector<AllowedIds> allowed = {{}, only_70, all};
  EXPECT_THAT(sample(samplers, {row, row, row}, allowed), ElementsAre(11, 70, 11));
}

TEST_P(SampleRows, ACloneGoesOnAsTheOriginalWould) {
  const Sampling sampling = {.frequency_penalty = 0.3F, .temperature = 2};
  const auto row = random_row(6);
  const auto from = sampler(sampling, 8);
  from->see(Ids{1, 2, 2});
  draw(*from, row, 5);
  const auto clone = from->clone();
  const Ids of_clone = draw(*clone, row, 40);
  EXPECT_EQ(draw(*from, row, 40), of_clone);  // neither moved the other on
}

TEST_P(SampleRows, ACloneWithASeedKeepsTheCountsAndDrawsAnew) {
  const Sampling greedy = {.frequency_penalty = 1, .temperature = 0};
  const auto counting = sampler(greedy);
  counting->see(Ids{10, 10, 10});
  auto row = std::vector<float>(V, -5);
  row[10] = 3;
  row[20] = 1;
  EXPECT_EQ(one(*counting->clone(99), row), 20);
  const auto from = sampler({}, 8);
  const auto flat = random_row(7);
  draw(*from, flat, 3);
  const auto fresh = sampler({}, 4), first = from->clone(4), second = from->clone(5);
  const Ids wanted = draw(*fresh, flat, 30);
  EXPECT_EQ(draw(*first, flat, 30), wanted);
  EXPECT_NE(draw(*second, flat, 30), wanted);
}

TEST_P(SampleRows, WrongRowsAndMasksAreRefused) {
  Samplers two;
  two.push_back(sampler({}));
  two.push_back(sampler({}));
  const Tensor logits = b.filled({2, kV}, 0);
  const auto refused = [&](std::vector<Sampler*> samplers, const Tensor& from,
                           std::span<const AllowedIds> allowed) {
    try {
      b.sample(samplers, from, allowed);
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInternal);
      EXPECT_THAT(error.what(), ::testing::HasSubstr("[sample]"));
    }
  };
  refused({two[0].get()}, logits, {});
  refused({two[0].get(), two[0].get()}, logits, {});
  refused(pointers(two), b.filled({2, kV + 1}, 0), {});
  const std::vector<std::uint64_t> few(4), enough(5);
  refused(pointers(two), logits, std::vector<AllowedIds>{enough});
  refused(pointers(two), logits, std::vector<AllowedIds>{enough, few});
  EXPECT_NO_THROW(b.sample(pointers(two), logits, std::vector<AllowedIds>{enough, {}}));
}

}  // namespace
}  // namespace xlstm
