#include "xlstm/cuda/peers.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <random>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/cuda/type_names.h"

namespace xlstm::cuda {
namespace {

constexpr std::int64_t kPiece = 8;           // bytes
constexpr std::int64_t kMostPieces = 65536;  // of a call: above, what NCCL takes to begin is little
constexpr unsigned kThreads = 256;
constexpr unsigned kEnablePeers = 1;  // CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS
constexpr std::chrono::seconds kForOthersToEnd{2};

// What the driver takes memory in: no other memory is in that of an inbox, which others open whole.
constexpr std::size_t kUnit = std::size_t{2} << 20;

std::size_t inbox_bytes(int ranks) {
  return static_cast<std::size_t>(2 * ranks * kMostPieces * 2 * kPiece);
}

// Tells processes apart, also where their ids are counted apart.
std::uint64_t process_mark() {
  static const std::uint64_t mark = [] {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
  }();
  return mark;
}

}  // namespace

// What a rank tells the others of its own.
struct Peers::Inbox {
  std::uint64_t process;
  DeviceId device;
  bool is_there;
  MemoryHandle handle;
};

std::unique_ptr<Peers> Peers::connect(Workspace& work, const std::shared_ptr<Group>& group) {
  if (group->size() > PeerArgs::kMostRanks) return nullptr;
  std::unique_ptr<Peers> peers(new Peers(work, group));
  const bool opened = peers->open(group->gather(peers->inbox()));
  const std::vector<char> all_opened = group->gather(static_cast<char>(opened));
  return std::ranges::count(all_opened, 0) == 0 ? std::move(peers) : nullptr;
}

// Without memory for an inbox it has none, which open() finds.
Peers::Peers(Workspace& work, std::shared_ptr<Group> group)
    : work_(work), group_(std::move(group)) {
  const Driver& d = work_.device().driver();
  args_.rank = group_->rank();
  args_.ranks = group_->size();
  args_.most_pieces = kMostPieces;
  const std::size_t bytes = inbox_bytes(args_.ranks);
  work_.device().use();
  if (d.cuMemAlloc_v2(&own_, bytes + kUnit) != kSuccess) {
    own_ = 0;
    return;
  }
  args_.inboxes[args_.rank] = reinterpret_cast<void*>(own_);
  args_.calls = reinterpret_cast<unsigned*>(own_ + bytes);
  const Stream stream = work_.device().stream();
  d.check(d.cuMemsetD32Async(own_, 0, (bytes + kUnit) / sizeof(unsigned), stream), "an inbox");
  d.check(d.cuStreamSynchronize(stream), "an inbox");
}

Peers::Inbox Peers::inbox() const {
  Inbox own{process_mark(), work_.device().id(), false, {}};
  own.is_there =
      own_ != 0 && work_.device().driver().cuIpcGetMemHandle(&own.handle, own_) == kSuccess;
  return own;
}

bool Peers::open(const std::vector<Inbox>& all) {
  const Driver& d = work_.device().driver();
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    const Inbox& its = all[rank];
    if (!its.is_there) return false;
    if (static_cast<int>(rank) == args_.rank) continue;
    if (its.process == process_mark() || !work_.device().reaches(its.device)) return false;
    DevicePointer at = 0;
    if (d.cuIpcOpenMemHandle_v2(&at, its.handle, kEnablePeers) != kSuccess) return false;
    opened_.push_back(at);
    args_.inboxes[rank] = reinterpret_cast<void*>(at);
  }
  return true;
}

// Where others do not come any more, a kernel may wait for them without end, and they may still
// write to the inbox: the process that ends frees it all.
Peers::~Peers() {
  if (std::uncaught_exceptions() > 0 || group_->is_broken()) return;
  const Driver& d = work_.device().driver();
  work_.device().bind();
  d.cuStreamSynchronize(work_.device().stream());
  for (const DevicePointer at : opened_) d.cuIpcCloseMemHandle(at);
  if (group_->meets_within(kForOthersToEnd)) d.cuMemFree_v2(own_);
}

bool Peers::sums(const Tensor& x) const {
  const std::int64_t bytes = x.elements() * static_cast<std::int64_t>(size_of(x.dtype()));
  return bytes > 0 && bytes % kPiece == 0 && bytes <= kPiece * kMostPieces &&
         (x.dtype() == DType::kF32 || x.dtype() == DType::kBF16);
}

void Peers::all_sum(const Tensor& x) {
  const std::int64_t bytes = x.elements() * static_cast<std::int64_t>(size_of(x.dtype()));
  PeerArgs args = args_;
  args.x = args.y = work_.to_write(x);
  args.rows = 1;
  args.width = narrow(bytes / kPiece);
  work_.programs().launch(
      "peers", str("peer_sum_", type_name(x.dtype())),
      {.x = blocks_for(args.width, kThreads), .threads = kThreads, .dependent = true}, args);
}

// A rank without columns would send nothing, and others not know that it came to the call.
bool Peers::gathers(const Tensor& x, const std::vector<std::int64_t>& ends) const {
  const std::int64_t T = x.shape()[0], size = static_cast<std::int64_t>(size_of(x.dtype()));
  std::int64_t begin = 0;
  for (const std::int64_t end : ends) {
    const std::int64_t bytes = T * (end - begin) * size;
    if (end * size % kPiece != 0 || bytes == 0 || bytes > kPiece * kMostPieces) return false;
    begin = end;
  }
  return true;
}

void Peers::all_columns(const Tensor& x, const std::vector<std::int64_t>& ends, const Tensor& y) {
  const std::int64_t size = static_cast<std::int64_t>(size_of(x.dtype()));
  PeerArgs args = args_;
  args.x = work_.pointer(x);
  args.y = work_.to_write(y);
  args.rows = narrow(x.shape()[0]);
  args.width = narrow(ends.back() * size / kPiece);
  int most = 0;
  for (std::size_t rank = 0; rank < ends.size(); ++rank) {
    args.begin[rank + 1] = narrow(ends[rank] * size / kPiece);
    most = std::max(most, args.rows * (args.begin[rank + 1] - args.begin[rank]));
  }
  work_.programs().launch("peers", "peer_columns",
                          {.x = blocks_for(most, kThreads), .threads = kThreads, .dependent = true},
                          args);
}

}  // namespace xlstm::cuda
