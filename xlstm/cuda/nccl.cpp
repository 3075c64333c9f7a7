#include "xlstm/cuda/nccl.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <thread>
#include <type_traits>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/cuda/shared_library.h"
#include "xlstm/group/told.h"
#include "xlstm/group/without_signals.h"

namespace xlstm::cuda {
namespace {

constexpr int kOldest = 21400;  // 2.14: recorded work beside work that is not
// A call that takes longer waits for a GPU whose queue is full: only the end of what is in it
// helps.
constexpr std::chrono::seconds kLongestCall{1};
constexpr std::chrono::milliseconds kLookAgain{1};
constexpr std::chrono::seconds kToAbort{2};  // for whoever ends meanwhile
constexpr int kSum = 0, kFloat32 = 7, kBFloat16 = 9;
constexpr const char* kRemedy =
    "`pip install nvidia-nccl-cu13` or -cu12 into the environment VIRTUAL_ENV or a .venv here, or "
    "its folder in LD_LIBRARY_PATH";

Nccl load(std::span<const std::string> names) {
  const std::unique_ptr<SharedLibrary> library = open_nvidia_library(names);
  if (library == nullptr) {
    fail_wanted(ErrorKind::kUsage, "devices",
                str("NCCL (", names.front(), ") for several GPUs: ", kRemedy), "none");
  }
  Nccl n{};
  const auto find = [&](const char* name, auto& function) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(library->find(name));
    if (function != nullptr) return;
    fail_wanted(ErrorKind::kUsage, "devices", str("an NCCL with ", name, ": ", kRemedy),
                "one without");
  };
  find("ncclGetVersion", n.ncclGetVersion);
  int version = 0;
  if (n.ncclGetVersion(&version) != 0 || version < kOldest) {
    fail_wanted(ErrorKind::kUsage, "devices", str("NCCL 2.14 or newer: ", kRemedy),
                str(version / 10000, ".", version % 10000 / 100));
  }
  find("ncclGetErrorString", n.ncclGetErrorString);
  find("ncclGetLastError", n.ncclGetLastError);
  find("ncclGetUniqueId", n.ncclGetUniqueId);
  find("ncclCommInitRank", n.ncclCommInitRank);
  find("ncclCommDestroy", n.ncclCommDestroy);
  find("ncclCommAbort", n.ncclCommAbort);
  find("ncclAllReduce", n.ncclAllReduce);
  find("ncclAllGather", n.ncclAllGather);
  find("ncclBroadcast", n.ncclBroadcast);
  find("ncclGroupStart", n.ncclGroupStart);
  find("ncclGroupEnd", n.ncclGroupEnd);
  return n;
}

int type_of(DType type) {
  if (type == DType::kF32) return kFloat32;
  if (type == DType::kBF16) return kBFloat16;
  fail_wanted(ErrorKind::kInternal, "nccl", "float32 or bfloat16", name_of(type));
}

}  // namespace

std::span<const std::string> nccl_names() {
  static const std::array<std::string, 2> names = {"libnccl.so.2", "libnccl.so"};
  return names;
}

Communicator::Communicator(std::shared_ptr<Group> group, std::span<const std::string> names)
    : group_(std::move(group)), nccl_(load(names)) {
  // A rank that cannot come has said so by now: NCCL would wait for it without end.
  group_->meet();
  Nccl::Id id{};
  if (group_->leads()) check(nccl_.ncclGetUniqueId(&id), "a name for the communicator");
  id = group_->broadcast(id);
  check(nccl_.ncclCommInitRank(&communicator_, group_->size(), id, group_->rank()),
        str("a communicator of ", group_->size(), " GPUs"));
}

// A call that uses the communicator: either it sees that this is aborted, or abort() sees it.
class Communicator::Call {
 public:
  explicit Call(const Communicator& of) : is_called_(*of.is_called_) {
    is_called_ = true;
    if (!of.is_aborted_) return;
    is_called_ = false;
    of.fail_as_aborted();
  }
  ~Call() { is_called_ = false; }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  std::atomic<bool>& is_called_;
};

// NCCL's destroy waits for the others: where they do not come, the process that ends frees what it
// has. What is aborted is NCCL's no more.
Communicator::~Communicator() {
  if (is_aborted_) {
    if (abort_.valid()) abort_.wait_for(kToAbort);
    return;
  }
  if (all_end_well(*group_)) nccl_.ncclCommDestroy(communicator_);
}

// NCCL ends what is queued first; then it waits for recordings with calls of it to go, and frees
// what it has: in a thread that nobody has to wait for. Where there is none to be had, what waits
// goes on to wait.
void Communicator::abort() noexcept {
  if (is_aborted_.exchange(true)) return;
  try {
    const auto done = std::make_shared<std::promise<void>>();
    abort_ = done->get_future();
    without_signals([done, is_called = is_called_, abort = nccl_.ncclCommAbort,
                     communicator = communicator_] {
      const auto end = std::chrono::steady_clock::now() + kLongestCall;
      while (*is_called && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(kLookAgain);
      }
      abort(communicator);
      done->set_value();
    }).detach();
  } catch (const std::exception&) {
  }
}

void Communicator::fail_as_aborted() const {
  if (const auto error = group_->error()) throw *error;
  fail(ErrorKind::kCancelled, group_->name(), "has given up waiting for another rank");
}

void Communicator::all_sum(void* values, std::int64_t count, DType type, Stream stream) {
  const Call call(*this);
  check(nccl_.ncclAllReduce(values, values, static_cast<std::size_t>(count), type_of(type), kSum,
                            communicator_, stream),
        str("a sum of ", count, " numbers over ", group_->size(), " GPUs"));
}

void Communicator::gather(const void* own, std::span<const std::int64_t> counts, void* all,
                          DType type, Stream stream) {
  const Call call(*this);
  const std::string what = str("numbers of ", group_->size(), " GPUs");
  if (std::ranges::all_of(counts, [&](std::int64_t each) { return each == counts.front(); })) {
    check(nccl_.ncclAllGather(own, all, static_cast<std::size_t>(counts.front()), type_of(type),
                              communicator_, stream),
          what);
    return;
  }
  check(nccl_.ncclGroupStart(), what);
  auto* to = static_cast<std::byte*>(all);
  for (int rank = 0; rank < group_->size(); ++rank) {
    const auto count = static_cast<std::size_t>(counts[static_cast<std::size_t>(rank)]);
    check(nccl_.ncclBroadcast(own, to, count, type_of(type), rank, communicator_, stream), what);
    to += count * size_of(type);
  }
  check(nccl_.ncclGroupEnd(), what);
}

void Communicator::check(int result, std::string_view what) const {
  if (result == 0) return;
  if (is_aborted_) fail_as_aborted();  // meanwhile
  const char* const text = nccl_.ncclGetErrorString(result);
  const char* const last = nccl_.ncclGetLastError(communicator_);
  fail_wanted(ErrorKind::kInternal, "nccl", what,
              str(text != nullptr ? text : "an error", " (", result, ")",
                  last != nullptr && *last != '\0' ? str(": ", last) : std::string(),
                  "; NCCL_DEBUG=INFO says more"));
}

}  // namespace xlstm::cuda
