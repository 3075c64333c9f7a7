// Prints the classes of instructions (kernels/simd/simd.h) that kernels have here, the one in use
// first, one a line; with an argument, all that kernels are built for.
#include <cstdio>

#include "xlstm/kernels/simd/simd.h"
#include "xlstm/kernels/simd/simd_processor.h"

int main(int argc, char** /*argv*/) {
  if (argc == 1) {
    for (const std::string_view name : xlstm::kernels::simd_classes()) std::puts(name.data());
  } else {
    for (const auto& each : xlstm::kernels::simd_processor(0).classes) std::puts(each.name);
  }
}
