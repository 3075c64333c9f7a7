// The threads of all that a program measures.
#pragma once

#include "xlstm/base/thread_pool.h"

namespace xlstm::bench {

inline ThreadPool& pool() {
  static ThreadPool all;
  return all;
}

}  // namespace xlstm::bench
