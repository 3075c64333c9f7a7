// A walk over the ways in which products of matrices are computed here.
#pragma once

#include "tests/kernels/op_cases.h"
#include "xlstm/kernels/panels/tiles.h"

namespace xlstm::testing {

// Every SIMD target, and the widest one without the instructions that go beyond it.
template <class Check>
void for_each_way(const Check& check) {
  for_each_simd_target(check);
  kernels::use_dot_instructions(false);
  check("no dot instructions");
  kernels::use_dot_instructions(true);
}

}  // namespace xlstm::testing
