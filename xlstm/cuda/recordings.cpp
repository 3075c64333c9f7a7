#include "xlstm/cuda/recordings.h"

#include <algorithm>
#include <utility>

namespace xlstm::cuda {
namespace {

constexpr int kRelaxed = 2;  // CU_STREAM_CAPTURE_MODE_RELAXED: memory may be taken meanwhile
constexpr std::size_t kMost = 16;

}  // namespace

struct Recordings::Recording {
  std::weak_ptr<const void> owner;
  TensorShape input_shape;
  std::size_t rows = 0;
  std::shared_ptr<Device> device;
  std::shared_ptr<Pool> pool;  // what the graph uses between its kernels
  std::shared_ptr<AddressTable> table;
  Tensor input, output;
  GraphExec graph = nullptr;
  bool never = false;  // the step moves tensors of the states by hand

  ~Recording() {
    if (graph == nullptr) return;
    device->bind();
    device->driver().cuStreamSynchronize(device->stream());
    device->driver().cuGraphExecDestroy(graph);
  }
};

Recordings::Recordings(Workspace& work) : work_(work) {}
Recordings::~Recordings() = default;

Recordings::Recording* Recordings::find(const std::shared_ptr<const void>& owner,
                                        const Tensor& input, const CudaStates& states) {
  std::erase_if(recordings_, [](const auto& each) { return each->owner.expired(); });
  for (auto& each : recordings_) {
    if (each->owner.lock() == owner && each->input_shape == input.shape() &&
        each->rows == states.rows()) {
      return each.get();
    }
  }
  return nullptr;
}

Tensor Recordings::repeat(const std::shared_ptr<const void>& owner, const Tensor& input,
                          CudaStates& states, const std::function<Tensor(const Tensor&)>& run) {
  Recording* recording = find(owner, input, states);
  if (recording == nullptr) {
    const std::uint64_t moves = states.moves();
    Tensor output = run(input);
    if (recordings_.size() == kMost) recordings_.erase(recordings_.begin());
    recordings_.push_back(std::make_unique<Recording>());
    recordings_.back()->owner = owner;
    recordings_.back()->input_shape = input.shape();
    recordings_.back()->rows = states.rows();
    recordings_.back()->device = work_.shared_device();
    recordings_.back()->never = states.moves() != moves;
    return output;
  }
  if (recording->never) return run(input);
  if (recording->table == nullptr) {
    recording->table = std::make_shared<AddressTable>(work_, states.table_size());
  }
  states.use_table(recording->table);
  if (recording->graph == nullptr) record(*recording, input, run);
  work_.device().check();  // what other ranks are to bring may be gone with them
  work_.copy(recording->input, input);
  const Driver& d = work_.device().driver();
  d.check(d.cuGraphLaunch(recording->graph, work_.device().stream()), "a step to start");
  return work_.copy_of(recording->output, "step");
}

void Recordings::record(Recording& recording, const Tensor& input,
                        const std::function<Tensor(const Tensor&)>& run) {
  const Driver& d = work_.device().driver();
  recording.input = work_.allocate_for_long(input.shape(), input.dtype(), "step");
  recording.pool = work_.new_pool();
  const std::shared_ptr<Pool> pool = work_.exchange_pool(recording.pool);
  Graph graph = nullptr;
  d.check(d.cuStreamBeginCapture_v2(work_.device().stream(), kRelaxed), "kernels to be recorded");
  const auto end = [&] {
    work_.exchange_pool(pool);
    return d.cuStreamEndCapture(work_.device().stream(), &graph);
  };
  try {
    recording.output = run(recording.input);
  } catch (...) {
    end();
    if (graph != nullptr) d.cuGraphDestroy(graph);
    throw;
  }
  d.check(end(), "kernels to be recorded");
  const int result = d.cuGraphInstantiateWithFlags(&recording.graph, graph, 0);
  d.cuGraphDestroy(graph);
  d.check(result, "recorded kernels to be made a graph");
}

}  // namespace xlstm::cuda
