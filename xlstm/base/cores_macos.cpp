#include <algorithm>
#include <thread>

#include "xlstm/base/cores.h"

namespace xlstm {

std::size_t usable_cores() {
  return std::max(std::thread::hardware_concurrency(), 1U);
}

}  // namespace xlstm
