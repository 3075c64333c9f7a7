#include "xlstm/cuda/ranks.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "xlstm/backend/check.h"
#include "xlstm/base/error.h"
#include "xlstm/group/share.h"

namespace xlstm::cuda {
namespace {

std::string wanted(const Group& group) {
  return str("a GPU for each of ", group.local_size(),
             " ranks of this host (nvidia-smi lists them; CUDA_VISIBLE_DEVICES may hide some), or "
             "--device cpu");
}

void check_own_devices(Workspace& work, Group& group) {
  const std::vector<DeviceId> ids = group.gather(work.device().id());
  for (auto id = ids.begin(); id != ids.end(); ++id) {
    const auto same = std::find(ids.begin(), id, *id);
    if (same == id) continue;
    fail_wanted(ErrorKind::kUsage, "devices", wanted(group),
                str("one ", work.device().name(), " for ranks ", same - ids.begin(), " and ",
                    id - ids.begin()));
  }
}

}  // namespace

// Ranks of a host see the same GPUs and take one each; or each was shown but its own.
int device_for(const Group* group) {
  if (group == nullptr) return 0;
  const int count = device_count();
  if (count >= group->local_size()) return group->local_rank();
  if (count <= 1) return 0;
  fail_wanted(ErrorKind::kUsage, "devices", wanted(*group), str(count));
}

std::unique_ptr<Ranks> Ranks::connect(Workspace& work, const std::shared_ptr<Group>& group) {
  if (group == nullptr) return nullptr;
  check_own_devices(work, *group);
  work.device().use();
  return std::unique_ptr<Ranks>(new Ranks(work, group));
}

Ranks::Ranks(Workspace& work, const std::shared_ptr<Group>& group)
    : work_(work),
      size_(group->size()),
      communicator_(group),
      peers_(Peers::connect(work, group)),
      watch_(group, [this] { give_up(); }) {
  work_.device().set_check([this] { watch_.check(); });
}

Ranks::~Ranks() {
  work_.device().set_check({});
}

// The peers first: that asks nothing of the driver.
void Ranks::give_up() noexcept {
  if (peers_ != nullptr) peers_->give_up();
  communicator_.abort();
}

Tensor Ranks::all_sum(Tensor x) {
  watch_.check();
  work_.device().use();
  if (x.is_shared()) x = work_.copy_of(x, "all_sum");
  if (peers_ != nullptr && peers_->sums(x)) {
    peers_->all_sum(x);
    return x;
  }
  communicator_.all_sum(work_.to_write(x), x.elements(), x.dtype(), work_.device().stream());
  return x;
}

Tensor Ranks::all_columns(const Tensor& x, std::int64_t N) {
  check_axes("all_columns", "x", x, 2);
  watch_.check();
  work_.device().use();
  const std::int64_t T = x.shape()[0];
  std::vector<std::int64_t> ends, counts;
  for (int rank = 0; rank < size_; ++rank) {
    const Share share = share_of(N, rank, size_);
    ends.push_back(share.end);
    counts.push_back(T * share.size());
  }
  if (peers_ != nullptr && peers_->gathers(x, ends)) {
    Tensor y = work_.allocate({T, N}, x.dtype(), "all_columns");
    peers_->all_columns(x, ends, y);
    return y;
  }
  Tensor all = work_.allocate({T, N}, x.dtype(), "all_columns");
  communicator_.gather(work_.pointer(x), counts, work_.to_write(all), x.dtype(),
                       work_.device().stream());
  if (T <= 1) return all;
  // The rows of each rank lie together.
  Tensor y = work_.allocate({T, N}, x.dtype(), "all_columns");
  std::int64_t begin = 0;
  for (const std::int64_t count : counts) {
    work_.copy_rows(y, begin / T, all, begin, T, count / T, N, count / T);
    begin += count;
  }
  return y;
}

}  // namespace xlstm::cuda
