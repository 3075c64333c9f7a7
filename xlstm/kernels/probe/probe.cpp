#include "xlstm/kernels/probe/probe.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "xlstm/base/large_pages.h"
#include "xlstm/kernels/probe/products.h"
#include "xlstm/kernels/simd/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/probe/probe.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// `rounds` rounds of 12 independent multiply-adds; returns the number of float operations.
double multiply_adds(std::size_t rounds, float* sink) {
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, 0.999F), term = hn::Set(d, 1e-4F);
  // Different numbers, or a compiler sees that one chain would do.
  auto a = hn::Set(d, 1.0F), b = hn::Set(d, 1.1F), c = hn::Set(d, 1.2F), e = hn::Set(d, 1.3F);
  auto f = hn::Set(d, 1.4F), g = hn::Set(d, 1.5F), h = hn::Set(d, 1.6F), i = hn::Set(d, 1.7F);
  auto j = hn::Set(d, 1.8F), k = hn::Set(d, 1.9F), l = hn::Set(d, 2.0F), m = hn::Set(d, 2.1F);
  for (std::size_t round = 0; round < rounds; ++round) {
    a = hn::MulAdd(a, factor, term);
    b = hn::MulAdd(b, factor, term);
    c = hn::MulAdd(c, factor, term);
    e = hn::MulAdd(e, factor, term);
    f = hn::MulAdd(f, factor, term);
    g = hn::MulAdd(g, factor, term);
    h = hn::MulAdd(h, factor, term);
    i = hn::MulAdd(i, factor, term);
    j = hn::MulAdd(j, factor, term);
    k = hn::MulAdd(k, factor, term);
    l = hn::MulAdd(l, factor, term);
    m = hn::MulAdd(m, factor, term);
  }
  const auto one = hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, e)), hn::Add(f, g));
  const auto other = hn::Add(hn::Add(hn::Add(h, i), hn::Add(j, k)), hn::Add(l, m));
  *sink = hn::GetLane(hn::SumOfLanes(d, hn::Add(one, other)));
  return 24.0 * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

// Reads eight pages at a time and fetches the next eight meanwhile. One after the other gave 28
// GB/s where this reads 35.
float sum(const float* p, std::size_t count) {
  const hn::ScalableTag<float> d;
  constexpr std::size_t kPage = 1024, kLine = 16, kPages = 8;  // floats
  auto a = hn::Zero(d), b = a, c = a, e = a;
  for (std::size_t at = 0; at + 2 * kPages * kPage <= count; at += kPages * kPage) {
    for (std::size_t line = at; line < at + kPage; line += kLine) {
      for (std::size_t page = 0; page < kPages; ++page) {
        __builtin_prefetch(p + line + (kPages + page) * kPage, 0, 2);
      }
      for (std::size_t k = line; k < line + kLine; k += hn::Lanes(d)) {
        for (std::size_t page = 0; page < kPages; page += 4) {
          a = hn::Add(a, hn::LoadU(d, p + k + page * kPage));
          b = hn::Add(b, hn::LoadU(d, p + k + (page + 1) * kPage));
          c = hn::Add(c, hn::LoadU(d, p + k + (page + 2) * kPage));
          e = hn::Add(e, hn::LoadU(d, p + k + (page + 3) * kPage));
        }
      }
    }
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {

HWY_EXPORT(multiply_adds);
HWY_EXPORT(sum);

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The best rate of several runs, in 1e9 operations a second. work(sink) returns its operations.
template <class Work>
double probe_rate(ThreadPool& pool, const Work& work) {
  const std::size_t threads = pool.size();
  std::vector<float> sinks(threads);
  std::vector<double> operations(threads);
  double best = 0;
  for (int repeat = 0; repeat < 10; ++repeat) {
    const double took = seconds_of([&] {
      pool.parallel_for(threads, [&](std::size_t part) { operations[part] = work(&sinks[part]); });
    });
    double all = 0;
    for (const double each : operations) all += each;
    best = std::max(best, all / took * 1e-9);
    if (all == 0) return 0;
  }
  return best;
}

// Two threads take turns at counting one number up; the quickest of several rounds, of which there
// are fewer on a machine whose cores have other work: a thread that waits long offers its core.
double probe_core_to_core(ThreadPool& pool) {
  if (pool.size() < 2) return 0;
  using Clock = std::chrono::steady_clock;
  constexpr int kRounds = 100, kTurns = 100, kLooks = 10'000;
  constexpr std::chrono::milliseconds kMost{20};
  constexpr int kOver = -1;
  std::atomic<int> number{0};
  const auto wait_for = [&](int turn) {  // false: it is over
    for (int look = 1;; ++look) {
      const int now = number.load(std::memory_order_acquire);
      if (now == turn || now == kOver) return now == turn;
      if (look % kLooks == 0) std::this_thread::yield();
    }
  };
  std::thread other([&] {
    for (int turn = 1; wait_for(turn); turn += 2) {
      number.store(turn + 1, std::memory_order_release);
    }
  });
  double best = 1e9;
  const auto begin = Clock::now();
  for (int round = 0; round < kRounds && Clock::now() - begin < kMost; ++round) {
    const auto start = Clock::now();
    for (int turn = round * kTurns; turn < (round + 1) * kTurns; turn += 2) {
      number.store(turn + 1, std::memory_order_release);
      wait_for(turn + 2);
    }
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  number.store(kOver, std::memory_order_release);
  other.join();
  return best / kTurns * 1e9;
}

}  // namespace

double probe_read(ThreadPool& pool) {
  constexpr std::size_t kFloats = std::size_t{1} << 26;  // 256 MiB, beyond any cache
  static const std::unique_ptr<const float[]> memory = [] {
    auto ones = std::make_unique_for_overwrite<float[]>(kFloats);
    prefer_large_pages(std::as_bytes(std::span(ones.get(), kFloats)));  // as weights lie
    std::fill_n(ones.get(), kFloats, 1.0F);
    return ones;
  }();
  const std::size_t threads = pool.size();
  std::vector<float> sinks(threads);
  const double took = seconds_of([&] {
    pool.parallel_for(threads, [&](std::size_t part) {
      const std::size_t begin = kFloats * part / threads;
      const std::size_t end = kFloats * (part + 1) / threads;
      sinks[part] = XLSTM_DISPATCH(sum)(memory.get() + begin, end - begin);
    });
  });
  return kFloats * sizeof(float) / took * 1e-9;
}

Probe probe_machine(ThreadPool& pool) {
  constexpr std::size_t kRounds = 50'000;
  Probe out;
  for (int repeat = 0; repeat < 5; ++repeat)
    out.read_gbs = std::max(out.read_gbs, probe_read(pool));
  out.peak_gflops =
      probe_rate(pool, [](float* sink) { return XLSTM_DISPATCH(multiply_adds)(kRounds, sink); });
  out.bf16_gflops = probe_rate(pool, [](float* sink) { return bf16_products(kRounds, sink); });
  out.int8_gops = probe_rate(pool, [](float* sink) { return int8_products(kRounds, sink); });
  out.int4_gops = probe_rate(pool, [](float* sink) { return int4_products(kRounds, sink); });
  out.core_to_core_ns = probe_core_to_core(pool);
  return out;
}

Probe mean(const Probe& a, const Probe& b) {
  return {(a.read_gbs + b.read_gbs) / 2,       (a.peak_gflops + b.peak_gflops) / 2,
          (a.bf16_gflops + b.bf16_gflops) / 2, (a.int8_gops + b.int8_gops) / 2,
          (a.int4_gops + b.int4_gops) / 2,     (a.core_to_core_ns + b.core_to_core_ns) / 2};
}

bool same_state(const Probe& a, const Probe& b) {
  const auto close = [](double x, double y, double share) {
    return std::abs(x - y) <= share * std::max(x, y);
  };
  return close(a.read_gbs, b.read_gbs, 0.1) && close(a.peak_gflops, b.peak_gflops, 0.1) &&
         close(a.core_to_core_ns, b.core_to_core_ns, 0.5);
}

}  // namespace xlstm::kernels
#endif
