// Ops that run when they are called. A node of MLX's graph and the way to MLX's thread and back
// cost tens of microseconds, which pays where a device works beside the host; a step on the CPU has
// nothing to work beside.
#pragma once

#include <chrono>

#include "xlstm/base/error.h"
#include "xlstm/ops/evaluate.h"

namespace xlstm::ops {

// In its scope, on the thread that made it, ops that have a kernel of ours on the CPU run it when
// they are called, and their results are computed. What they read is evaluated first.
// Model::forward and LargeBlockCpu work in place of a stream and a state that nobody else holds:
// move them in. Other ops give new arrays. Errors are those of evaluate(), from the op itself; what
// was moved in is then lost. Ops of MLX's own, and all on other devices, stay lazy. Scopes may
// nest.
class AtOnce {
 public:
  AtOnce();
  ~AtOnce();
  AtOnce(const AtOnce&) = delete;
  AtOnce& operator=(const AtOnce&) = delete;

  // What kernels took in this scope so far, those of scopes within it aside. The rest of the time
  // is the host's.
  double kernel_seconds() const { return kernel_seconds_; }

  // The innermost scope of this thread, or null.
  static AtOnce* here();

  // Runs a kernel in it. Throws as evaluate() does.
  template <typename Kernel>
  void run(const Kernel& kernel) {
    const auto start = std::chrono::steady_clock::now();
    try {
      kernel();
    } catch (const Error&) {
      throw;
    } catch (...) {
      rethrow_as_ours();
    }
    kernel_seconds_ +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

 private:
  AtOnce* outer_;
  double kernel_seconds_ = 0;
};

}  // namespace xlstm::ops
