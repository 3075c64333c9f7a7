// How the copying thread of a block fills a ring of shared memory, where W is taken some rows a
// pass and K by slices: those of W before the kernel before is done, x's when it is.
#pragma once

#include "xlstm/cuda/kernels/bulk_copy.cuh"

#if __CUDA_ARCH__ >= 900

// The rows of a block in passes of at most `each`, in units of whose size nothing is known here.
struct SlicedRows {
  int begin, count, each, slices;
};

// `copies` has of_pass(first, count), what a pass has once; of_weights(stage, first, slice), of the
// pass from `first` on; and of_x(stage, slice). `empty`: a barrier of each stage; `pass_over`: of
// what passes after the first one write over.
template <typename Copies>
__device__ void copy_slices(const Copies& copies, const SlicedRows& rows, int stages, uint64* empty,
                            uint64* pass_over) {
  int stage = 0, round = 0, waiting = 0, pass = 0;
  bool may_read_x = false;
  const auto catch_up = [&] {  // x of the stages that have their weights
    wait_for_kernel_before();
    may_read_x = true;
    for (int n = 0; n < waiting; ++n) copies.of_x(n, n % rows.slices);
  };
  for (int first = 0; first < rows.count; first += rows.each, ++pass) {
    if (pass > 0) {
      if (!may_read_x) catch_up();
      barrier_wait(pass_over, (pass - 1) & 1);
      end_before_copies();
    }
    copies.of_pass(rows.begin + first, min(rows.each, rows.count - first));
    for (int slice = 0; slice < rows.slices; ++slice) {
      if (round > 0) {
        if (!may_read_x) catch_up();
        barrier_wait(empty + stage, (round - 1) & 1);
        end_before_copies();
      }
      copies.of_weights(stage, rows.begin + first, slice);
      if (may_read_x) {
        copies.of_x(stage, slice);
      } else {
        ++waiting;
      }
      if (++stage == stages) {
        stage = 0;
        ++round;
      }
    }
  }
  if (!may_read_x) catch_up();
}

#endif
