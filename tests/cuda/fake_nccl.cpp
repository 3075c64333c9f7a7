// A library with NCCL's interface for threads of one process and memory of the host: what the
// communicator asks for can be looked at without a GPU. Work is done when it is called. The
// variable FAKE_NCCL_VERSION is its version, the call that FAKE_NCCL_FAILS names fails; its own
// fake_nccl_ended() tells how its communicators ended. Its
// functions have the very types by which they are called, which sanitizers compare.
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "xlstm/cuda/nccl.h"

namespace {
struct World;
}

struct xlstm::cuda::CommunicatorOfNccl {
  World* world;
  int rank;
};

using xlstm::cuda::Nccl;
using xlstm::cuda::Stream;

namespace {

constexpr int kFailure = 5, kFloat32 = 7, kBFloat16 = 9;

struct World {
  explicit World(int size) : from(static_cast<std::size_t>(size)) {}

  // Whether all came, and none of them was aborted.
  bool meet() {
    std::unique_lock lock(mutex);
    if (++come == from.size()) {
      come = 0;
      ++meetings;
      changed.notify_all();
    } else {
      changed.wait(lock, [&, own = meetings] { return meetings != own || is_aborted; });
    }
    return !is_aborted;
  }
  void abort() {
    const std::lock_guard lock(mutex);
    is_aborted = true;
    changed.notify_all();
  }

  std::vector<const void*> from;
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t come = 0;
  int meetings = 0;
  bool is_aborted = false;
};

// Both outlive those who use them: a rank that is not destroyed ends with the process.
struct Worlds {
  std::mutex mutex;
  std::map<std::string, World> by_name;
  std::set<std::unique_ptr<xlstm::cuda::CommunicatorOfNccl>> ranks;
  int made = 0, destroyed = 0, aborted = 0;
};

Worlds& worlds() {
  static Worlds all;
  return all;
}

bool fails(const char* call) {
  const char* wanted = std::getenv("FAKE_NCCL_FAILS");
  return wanted != nullptr && std::string(wanted) == call;
}

std::size_t size_of(int type) {
  return type == kBFloat16 ? 2 : 4;
}

float number(const void* at, std::size_t i, int type) {
  if (type == kFloat32) return static_cast<const float*>(at)[i];
  const std::uint32_t bits = std::uint32_t{static_cast<const std::uint16_t*>(at)[i]} << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

void put(void* at, std::size_t i, int type, float value) {
  if (type == kFloat32) {
    static_cast<float*>(at)[i] = value;
    return;
  }
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  static_cast<std::uint16_t*>(at)[i] = static_cast<std::uint16_t>(bits >> 16);
}

// Each rank's memory, while use() looks at it.
template <typename Use>
int together(World& world, int rank, const void* from, const Use& use) {
  world.from[static_cast<std::size_t>(rank)] = from;
  if (!world.meet()) return kFailure;
  use(world.from);
  return world.meet() ? 0 : kFailure;
}

int end(Nccl::Communicator communicator, int& count) {
  const auto same = [&](const auto& rank) { return rank.get() == communicator; };
  if (std::erase_if(worlds().ranks, same) != 1) return kFailure;
  ++count;
  return 0;
}

}  // namespace

extern "C" {

int ncclGetVersion(int* version) {
  const char* chosen = std::getenv("FAKE_NCCL_VERSION");
  *version = chosen != nullptr ? std::atoi(chosen) : 22703;
  return 0;
}

const char* ncclGetErrorString(int) {
  return "invalid usage";
}

const char* ncclGetLastError(Nccl::Communicator) {
  return "as it was asked to";
}

int ncclGetUniqueId(Nccl::Id* id) {
  const std::lock_guard lock(worlds().mutex);
  const std::string name = "world " + std::to_string(worlds().made++);
  id->bytes.fill(0);
  std::memcpy(id->bytes.data(), name.data(), name.size());
  return 0;
}

int ncclCommInitRank(Nccl::Communicator* communicator, int size, Nccl::Id id, int rank) {
  if (fails("ncclCommInitRank")) return kFailure;
  const std::lock_guard lock(worlds().mutex);
  World& world = worlds().by_name.try_emplace(id.bytes.data(), size).first->second;
  *communicator = new xlstm::cuda::CommunicatorOfNccl{&world, rank};
  worlds().ranks.emplace(*communicator);
  return 0;
}

int ncclCommDestroy(Nccl::Communicator communicator) {
  const std::lock_guard lock(worlds().mutex);
  return end(communicator, worlds().destroyed);
}

int ncclCommAbort(Nccl::Communicator communicator) {
  const std::lock_guard lock(worlds().mutex);
  communicator->world->abort();
  return end(communicator, worlds().aborted);
}

void fake_nccl_ended(int* destroyed, int* aborted) {
  const std::lock_guard lock(worlds().mutex);
  *destroyed = worlds().destroyed;
  *aborted = worlds().aborted;
}

int ncclAllReduce(const void* from, void* to, std::size_t count, int type, int operation,
                  Nccl::Communicator communicator, Stream) {
  if (fails("ncclAllReduce") || operation != 0) return kFailure;
  std::vector<float> sum(count, 0);
  const int result = together(*communicator->world, communicator->rank, from,
                              [&](const std::vector<const void*>& all) {
                                for (const void* each : all) {
                                  for (std::size_t i = 0; i < count; ++i)
                                    sum[i] += number(each, i, type);
                                }
                              });
  for (std::size_t i = 0; i < count; ++i) put(to, i, type, sum[i]);
  return result;
}

int ncclAllGather(const void* from, void* to, std::size_t count, int type,
                  Nccl::Communicator communicator, Stream) {
  const std::size_t bytes = count * size_of(type);
  return together(*communicator->world, communicator->rank, from,
                  [&](const std::vector<const void*>& all) {
                    auto* at = static_cast<std::byte*>(to);
                    for (const void* each : all) {
                      std::memcpy(at, each, bytes);
                      at += bytes;
                    }
                  });
}

int ncclBroadcast(const void* from, void* to, std::size_t count, int type, int root,
                  Nccl::Communicator communicator, Stream) {
  return together(*communicator->world, communicator->rank, from,
                  [&](const std::vector<const void*>& all) {
                    std::memcpy(to, all[static_cast<std::size_t>(root)], count * size_of(type));
                  });
}

int ncclGroupStart() {
  return 0;
}

int ncclGroupEnd() {
  return 0;
}

}  // extern "C"
