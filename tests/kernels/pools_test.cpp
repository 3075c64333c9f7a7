// Kernels that several threads call at the same time, with one pool and with a pool each.
#include <gtest/gtest.h>

#include <functional>
#include <thread>
#include <vector>

#include "tests/kernels/mlstm_cases.h"
#include "tests/kernels/op_cases.h"
#include "xlstm/kernels/linear/linear.h"
#include "xlstm/kernels/mlstm_chunk/mlstm_chunk.h"

namespace xlstm::testing {
namespace {

// What one caller computes: products by way of packed panels, and a chunk of the cell, which both
// lease scratch memory on every thread.
std::vector<float> work(ThreadPool& pool, std::size_t caller) {
  std::mt19937_64 random(caller);
  const std::size_t M = 40 + caller, N = 300, K = 200;
  const std::vector<float> x = uniform_floats(M * K, 1.0F, random);
  const std::vector<float> W = uniform_floats(N * K, 1.0F, random);
  std::vector<float> out(M * N);
  kernels::linear(pool, x.data(), static_cast<std::ptrdiff_t>(K), W.data(),
                  kernels::WeightType::kF32, nullptr, out.data(), static_cast<std::ptrdiff_t>(N), M,
                  N, K);
  const MlstmCase c{"caller_" + std::to_string(caller), 2, 70, 3, 16, 128};
  const MlstmData in = make_data(c);
  MlstmResult cell{empty_result(c).h, in.C, in.n, in.m};
  const auto states = state_rows(c, cell.C.data(), cell.n.data(), cell.m.data());
  kernels::mlstm_chunk(pool, {c.B, c.S, c.NH, c.DHQK, c.DHV, 1e-6F},
                       {in.q.data(), in.k.data(), in.v.data(), in.i.data(), in.f.data(),
                        states.data(), cell.h.data()});
  out.insert(out.end(), cell.h.begin(), cell.h.end());
  out.insert(out.end(), cell.C.begin(), cell.C.end());
  return out;
}

// Three callers with the pools that `pool_of` gives them.
void expect_as_alone(const std::function<ThreadPool&(std::size_t)>& pool_of) {
  constexpr std::size_t kCallers = 3;
  std::vector<std::vector<float>> alone;
  ThreadPool single(1);
  for (std::size_t caller = 0; caller < kCallers; ++caller) alone.push_back(work(single, caller));
  std::vector<std::thread> callers;
  std::vector<int> wrong(kCallers, 0);
  for (std::size_t caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      for (int time = 0; time < 10; ++time) {
        if (work(pool_of(caller), caller) != alone[caller]) ++wrong[caller];
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const int times : wrong) EXPECT_EQ(times, 0);
}

TEST(Pools, CallersOfOnePoolDoNotDisturbEachOther) {
  ThreadPool pool(3);
  expect_as_alone([&](std::size_t) -> ThreadPool& { return pool; });
}

TEST(Pools, CallersWithAPoolEachDoNotDisturbEachOther) {
  ThreadPool pools[] = {ThreadPool(1), ThreadPool(2), ThreadPool(4)};
  expect_as_alone([&](std::size_t caller) -> ThreadPool& { return pools[caller]; });
}

}  // namespace
}  // namespace xlstm::testing
