// Runs code as every rank of a group, each in a thread of its own.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "xlstm/group/group.h"

namespace xlstm::testing {

// Returns when all are done; throws what the lowest rank that failed by itself threw.
inline void as_ranks(int size, const std::function<void(std::shared_ptr<Group>)>& run) {
  std::vector<std::shared_ptr<Group>> groups = Group::of_threads(size);
  std::vector<std::exception_ptr> errors(groups.size());
  std::vector<std::thread> threads;
  for (std::size_t rank = 0; rank < groups.size(); ++rank) {
    threads.emplace_back([&, rank] {
      try {
        run(groups[rank]);
      } catch (const std::exception& error) {
        errors[rank] = std::current_exception();
        groups[rank]->fail(error);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace xlstm::testing
