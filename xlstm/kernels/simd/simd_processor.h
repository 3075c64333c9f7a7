// The classes of kernels of one kind of processor, and what this one has.
#pragma once

#include <cstdint>
#include <span>

namespace xlstm::kernels {

struct SimdClass {
  const char* name;
  std::int64_t target;  // of Highway's, that it needs; 0: every processor of the kind has it
  std::int64_t excluded_targets;  // Highway's targets that are more than it
  unsigned features;              // that it adds, of which a processor must have one; 0: none
};

struct SimdProcessor {
  std::span<const SimdClass> classes;  // worst first
  unsigned features;                   // that this one has
};

// `targets`: of Highway's, that it has and kernels are built for.
SimdProcessor simd_processor(std::int64_t targets);

}  // namespace xlstm::kernels
