// The tokens of one row that a choice is left with, found without sorting the vocabulary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "xlstm/base/thread_pool.h"
#include "xlstm/kernels/cuts/cuts.h"

namespace xlstm::cpu {

// Of logits [V], which must outlive it. At first these are all, and nothing is collected.
class Candidates {
 public:
  // Memory is the pool's for as long as this lives.
  Candidates(ThreadPool& pool, std::span<const float> logits);

  // The largest logit; NaN if any is. The rest is for rows of which it is finite.
  float most() const { return most_; }
  std::int32_t likeliest() const;  // the lowest id of equals

  // Leaves the likeliest k >= 1, or those that hold p of the mass of softmax(logits / temperature),
  // or those of `least` and more.
  void keep_count(std::size_t k);
  void keep_mass(double p, float temperature);
  void keep_above(float least);

  // What is left, in the order of ids: all of the row until the first cut, with -inf among them.
  std::span<const float> logits() const { return {left_, count_}; }
  std::int32_t id(std::size_t at) const;

 private:
  bool is_collected() const { return left_ == values_; }
  void collect(float least);
  void cut(const kernels::Cut& at);

  std::span<const float> row_;
  ScratchLease memory_;
  float* maxima_;      // [ceil(V / kMaximaBlock)]
  float* values_;      // [V]
  float* work_;        // [V]
  std::int32_t* ids_;  // [V]
  float most_;
  const float* left_;
  std::size_t count_;
};

}  // namespace xlstm::cpu
