// A library with NCCL's interface for threads of one process and memory of the host: what the
// communicator asks for can be looked at without a GPU. Work is done when it is called. The
// variable FAKE_NCCL_VERSION is its version, the call that FAKE_NCCL_FAILS names fails.
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace {

constexpr int kFailure = 5, kFloat32 = 7, kBFloat16 = 9;

struct World {
  explicit World(int the_size)
      : size(the_size), from(static_cast<std::size_t>(the_size)), barrier(the_size) {}
  int size;
  std::vector<const void*> from;
  std::barrier<> barrier;
};

struct Worlds {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<World>> by_name;
  int made = 0;
};

Worlds& worlds() {
  static Worlds all;
  return all;
}

struct Rank {
  std::shared_ptr<World> world;
  int rank;
};

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
void together(Rank& own, const void* from, const Use& use) {
  own.world->from[static_cast<std::size_t>(own.rank)] = from;
  own.world->barrier.arrive_and_wait();
  use(own.world->from);
  own.world->barrier.arrive_and_wait();
}

}  // namespace

extern "C" {

struct FakeId {
  char bytes[128];
};

int ncclGetVersion(int* version) {
  const char* chosen = std::getenv("FAKE_NCCL_VERSION");
  *version = chosen != nullptr ? std::atoi(chosen) : 22703;
  return 0;
}

const char* ncclGetErrorString(int) {
  return "invalid usage";
}

const char* ncclGetLastError(void*) {
  return "as it was asked to";
}

int ncclGetUniqueId(FakeId* id) {
  const std::lock_guard lock(worlds().mutex);
  const std::string name = "world " + std::to_string(worlds().made++);
  std::memset(id->bytes, 0, sizeof id->bytes);
  std::memcpy(id->bytes, name.data(), name.size());
  return 0;
}

int ncclCommInitRank(void** communicator, int size, FakeId id, int rank) {
  if (fails("ncclCommInitRank")) return kFailure;
  const std::lock_guard lock(worlds().mutex);
  std::shared_ptr<World>& world = worlds().by_name[id.bytes];
  if (world == nullptr) world = std::make_shared<World>(size);
  *communicator = new Rank{world, rank};
  return 0;
}

int ncclCommDestroy(void* communicator) {
  delete static_cast<Rank*>(communicator);
  return 0;
}

int ncclAllReduce(const void* from, void* to, std::size_t count, int type, int operation,
                  void* communicator, void*) {
  if (fails("ncclAllReduce") || operation != 0) return kFailure;
  std::vector<float> sum(count, 0);
  together(*static_cast<Rank*>(communicator), from, [&](const std::vector<const void*>& all) {
    for (const void* each : all) {
      for (std::size_t i = 0; i < count; ++i) sum[i] += number(each, i, type);
    }
  });
  for (std::size_t i = 0; i < count; ++i) put(to, i, type, sum[i]);
  return 0;
}

int ncclAllGather(const void* from, void* to, std::size_t count, int type, void* communicator,
                  void*) {
  const std::size_t bytes = count * size_of(type);
  together(*static_cast<Rank*>(communicator), from, [&](const std::vector<const void*>& all) {
    auto* at = static_cast<std::byte*>(to);
    for (const void* each : all) {
      std::memcpy(at, each, bytes);
      at += bytes;
    }
  });
  return 0;
}

int ncclBroadcast(const void* from, void* to, std::size_t count, int type, int root,
                  void* communicator, void*) {
  together(*static_cast<Rank*>(communicator), from, [&](const std::vector<const void*>& all) {
    std::memcpy(to, all[static_cast<std::size_t>(root)], count * size_of(type));
  });
  return 0;
}

int ncclGroupStart() {
  return 0;
}

int ncclGroupEnd() {
  return 0;
}

}  // extern "C"
