// What Highway's library says where it was built for one target only.
#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <cstdlib>

namespace hwy {

int64_t SupportedTargets() {
  return HWY_TARGETS;
}

ChosenTarget& GetChosenTarget() {
  static ChosenTarget target;
  return target;
}

// Without allocators of the caller's own, which nobody here has.
void* AllocateAlignedBytes(size_t bytes, AllocPtr /*alloc*/, void* /*opaque*/) {
  return std::aligned_alloc(HWY_ALIGNMENT,
                            (bytes + HWY_ALIGNMENT - 1) / HWY_ALIGNMENT * HWY_ALIGNMENT);
}

void FreeAlignedBytes(const void* pointer, FreePtr /*free*/, void* /*opaque*/) {
  std::free(const_cast<void*>(pointer));
}

}  // namespace hwy
