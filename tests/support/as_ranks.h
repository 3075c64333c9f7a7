// Runs code as every rank of a group, each in a thread of its own.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/free_port.h"
#include "xlstm/group/group.h"

namespace xlstm::testing {

enum class Meeting { kInMemory, kByTcp };

// In threads that have no group yet; throws what the lowest that failed threw.
inline void in_threads(int count, const std::function<void(int)>& run) {
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(count));
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      try {
        run(i);
      } catch (...) {
        errors[static_cast<std::size_t>(i)] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

// A handle for each rank.
inline std::vector<std::shared_ptr<Group>> ranks_of(int size,
                                                    Meeting meeting = Meeting::kInMemory) {
  if (meeting == Meeting::kInMemory) return Group::of_threads(size);
  std::vector<std::shared_ptr<Group>> out(static_cast<std::size_t>(size));
  const HostAndPort address = free_address();
  in_threads(size, [&](int rank) {
    out[static_cast<std::size_t>(rank)] =
        Group::join({.rank = rank, .size = size, .address = address});
  });
  return out;
}

// Returns when all are done; throws what the lowest rank that failed by itself threw.
inline void as_ranks(int size, const std::function<void(std::shared_ptr<Group>)>& run,
                     Meeting meeting = Meeting::kInMemory) {
  const std::vector<std::shared_ptr<Group>> groups = ranks_of(size, meeting);
  in_threads(size, [&](int rank) {
    const auto& group = groups[static_cast<std::size_t>(rank)];
    try {
      run(group);
    } catch (const std::exception& error) {
      group->fail(error);
      throw;
    }
  });
}

}  // namespace xlstm::testing
