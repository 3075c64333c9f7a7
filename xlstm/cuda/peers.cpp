#include "xlstm/cuda/peers.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <random>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/cuda/type_names.h"
#include "xlstm/group/told.h"

namespace xlstm::cuda {
namespace {

constexpr std::int64_t kPiece = 8;           // bytes
constexpr std::int64_t kMostPieces = 65536;  // of a call: above, what NCCL takes to begin is little
constexpr unsigned kThreads = 256;
constexpr unsigned kEnablePeers = 1;           // CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS
constexpr std::chrono::seconds kForTrial{10};  // a rank may have to compile the kernels first

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
  const auto all = [&](bool own) {
    return std::ranges::count(group->gather(static_cast<char>(own)), 0) == 0;
  };
  if (!all(peers->open(group->gather(peers->inbox())))) return nullptr;
  return all(peers->numbers_arrive()) ? std::move(peers) : nullptr;
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
  given_up_ = std::make_unique<PinnedBytes>(work_.shared_device(), sizeof(unsigned));
  std::memset(given_up_->data(), 0, given_up_->size());
  args_.given_up = reinterpret_cast<const unsigned*>(given_up_->data());
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

// Whether what the driver opened serves: an IOMMU may lead writes over PCIe astray. Every piece of
// both inboxes.
bool Peers::numbers_arrive() {
  args_.patience = std::chrono::nanoseconds(kForTrial).count();
  bool right = true;
  for (int call = 0; right && call < 2; ++call) right = sums_arrive(DType::kF32);
  right = right && sums_arrive(DType::kBF16) && columns_arrive();
  args_.patience = 0;
  return right;
}

// Of whole numbers up to 12, whose sums bfloat16 has exactly.
bool Peers::sums_arrive(DType type) {
  const auto number = [](std::size_t at, int rank) {
    return static_cast<float>((at + static_cast<std::size_t>(rank)) % 13);
  };
  Tensor x = work_.allocate({kMostPieces * kPiece / static_cast<std::int64_t>(size_of(type))}, type,
                            "peers");
  std::vector<float> own(static_cast<std::size_t>(x.elements())), sum(own.size(), 0);
  for (std::size_t i = 0; i < own.size(); ++i) {
    own[i] = number(i, args_.rank);
    for (int rank = 0; rank < args_.ranks; ++rank) sum[i] += number(i, rank);
  }
  floats_to(own.data(), own.size(), type, work_.writable(x).data());
  all_sum(x);
  floats_from(work_.read(x).data(), type, own.size(), own.data());
  return own == sum;
}

bool Peers::columns_arrive() {
  constexpr std::int64_t kRows = 2, kWidth = 6;  // of each rank
  const std::int64_t N = kWidth * args_.ranks;
  const auto number = [](std::int64_t row, std::int64_t column) {
    return static_cast<float>(1000 * row + column);
  };
  std::vector<std::int64_t> ends;
  for (int rank = 1; rank <= args_.ranks; ++rank) ends.push_back(kWidth * rank);
  std::vector<float> own, all;
  for (std::int64_t row = 0; row < kRows; ++row) {
    for (std::int64_t i = 0; i < kWidth; ++i) own.push_back(number(row, kWidth * args_.rank + i));
    for (std::int64_t i = 0; i < N; ++i) all.push_back(number(row, i));
  }
  Tensor x = work_.allocate({kRows, kWidth}, DType::kF32, "peers");
  const Tensor y = work_.allocate({kRows, N}, DType::kF32, "peers");
  floats_to(own.data(), own.size(), DType::kF32, work_.writable(x).data());
  all_columns(x, ends, y);
  std::vector<float> got(all.size());
  floats_from(work_.read(y).data(), DType::kF32, got.size(), got.data());
  return got == all;
}

// Where others do not come any more, a kernel may wait for them until give_up(), and they may still
// write to the inbox: the process that ends frees it all.
Peers::~Peers() {
  if (!ends_well(*group_)) return;
  const Driver& d = work_.device().driver();
  work_.device().bind();
  d.cuStreamSynchronize(work_.device().stream());
  for (const DevicePointer at : opened_) d.cuIpcCloseMemHandle(at);
  if (all_end_well(*group_)) d.cuMemFree_v2(own_);
}

// The driver may be held by a thread that waits for what this ends.
void Peers::give_up() noexcept {
  std::atomic_ref<unsigned>(*reinterpret_cast<unsigned*>(given_up_->data())) = 1;
}

bool Peers::sums(const Tensor& x) const {
  const auto bytes = static_cast<std::int64_t>(x.bytes());
  return bytes > 0 && bytes % kPiece == 0 && bytes <= kPiece * kMostPieces &&
         (x.dtype() == DType::kF32 || x.dtype() == DType::kBF16);
}

void Peers::all_sum(const Tensor& x) {
  PeerArgs args = args_;
  args.x = args.y = work_.to_write(x);
  args.rows = 1;
  args.width = narrow(static_cast<std::int64_t>(x.bytes()) / kPiece);
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
