// What a model's matrices multiply with, for rounding that counts errors by it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace xlstm {

// Asked by convert() for one matrix after the other, in the order in which data passes, and told
// what each became before the next one's turn.
class InputMoments {
 public:
  virtual ~InputMoments() = default;

  // The mean of x x^T [K, K] over inputs x of the matrix in this slot ("blocks.0.ffn.down.weight"),
  // or what is thought of it; empty where none is known.
  virtual std::vector<float> of(const std::string& slot) = 0;

  // What this holds at most, in bytes, beside convert()'s own while that is at the slot.
  virtual std::uint64_t bytes_for(const std::string& /*slot*/) const { return 0; }

  // The next rows [n, K] of the slot last asked for, as the file holds them now.
  virtual void settle(const std::string& slot, std::span<const float> values) = 0;
};

}  // namespace xlstm
