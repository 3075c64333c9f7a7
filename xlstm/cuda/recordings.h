// Steps that are repeated: the kernels of one are kept as a graph that the driver starts at once.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "xlstm/cuda/state_batch.h"
#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda {

class Recordings {
 public:
  explicit Recordings(Workspace& work);
  ~Recordings();
  Recordings(const Recordings&) = delete;
  Recordings& operator=(const Recordings&) = delete;

  // As Backend::repeat(): the first time by run(), which also loads what it needs; the second time
  // its kernels are recorded.
  Tensor repeat(const std::shared_ptr<const void>& owner, const Tensor& input, CudaStates& states,
                const std::function<Tensor(const Tensor&)>& run);

 private:
  struct Recording;

  Recording* find(const std::shared_ptr<const void>& owner, const Tensor& input,
                  const CudaStates& states);
  void record(Recording& recording, const Tensor& input,
              const std::function<Tensor(const Tensor&)>& run);

  Workspace& work_;
  std::vector<std::unique_ptr<Recording>> recordings_;
};

}  // namespace xlstm::cuda
