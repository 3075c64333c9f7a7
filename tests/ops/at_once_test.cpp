// Ops that run when they are called give what the graph gives, and write into nothing but their
// own.
#include "xlstm/ops/at_once.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <new>
#include <optional>
#include <stdexcept>
#include <vector>

#include "mlx/mlx.h"
#include "xlstm/base/error.h"
#include "xlstm/ops/choose.h"
#include "xlstm/ops/cpu_primitive.h"
#include "xlstm/ops/ops.h"

namespace xlstm::ops {
namespace {
namespace mx = mlx::core;

mx::array normal(const mx::Shape& shape, std::uint64_t key) {
  mx::array a = mx::random::normal(shape, mx::random::key(key));
  mx::eval(a);
  return a;
}

bool same_values(const mx::array& a, const mx::array& b) {
  return mx::array_equal(a, b).item<bool>();
}

bool computed(const mx::array& a) {
  return a.status() == mx::array::Status::available;
}

// A node, or computed, that adds 1 in place where it may.
mx::array plus_one(mx::array a) {
  const auto kernel = [size = a.size()](const CpuBuffers& t) {
    for (std::size_t i = 0; i < size; ++i) t.output(0)[i] = t.input(0)[i] + 1;
  };
  mx::Shape shape = a.shape();
  std::vector<mx::array> inputs;  // a list in braces would hold what is in it for all of the call
  inputs.push_back(std::move(a));
  return run_on_cpu({"plus_one", kernel, {{0, 0}}}, std::move(shape), mx::float32,
                    std::move(inputs));
}

TEST(AtOnce, ResultsAreComputedAndTheGraphs) {
  const mx::array x = normal({3, 40}, 1), W = normal({24, 40}, 2), weight = normal({40}, 3);
  const auto all = [&] {
    return std::vector<mx::array>{linear(x, W),
                                  rms_norm(x, weight, std::nullopt, 1e-6F),
                                  swiglu(x),
                                  soft_cap(x, 15.0F),
                                  largest(x),
                                  checksum(x),
                                  take_rows(W, mx::array({5, 0, 23}), mx::float32)};
  };
  const std::vector<mx::array> lazy = all();
  for (const mx::array& a : lazy) EXPECT_FALSE(computed(a));
  std::vector<mx::array> now;
  {
    AtOnce at_once;
    now = all();
    EXPECT_GT(at_once.kernel_seconds(), 0);
  }
  for (std::size_t i = 0; i < now.size(); ++i) {
    EXPECT_TRUE(computed(now[i])) << i;
    EXPECT_TRUE(same_values(now[i], lazy[i])) << i;
  }
  EXPECT_FALSE(computed(linear(x, W)));
}

TEST(AtOnce, InputsThatAreNotComputedAre) {
  const mx::array lazy = mx::ones({2, 3}) + mx::array(1.0F);
  AtOnce at_once;
  EXPECT_TRUE(same_values(plus_one(lazy), mx::full({2, 3}, 3.0F)));
  EXPECT_TRUE(same_values(plus_one(mx::transpose(lazy)), mx::full({3, 2}, 3.0F)));
}

TEST(AtOnce, ColumnsAreReadAsTheyAreStrided) {
  const mx::array a = normal({4, 6}, 4);
  AtOnce at_once;
  const mx::array columns = mx::slice(a, {0, 2}, {4, 5});
  EXPECT_TRUE(same_values(plus_one(columns), columns + mx::array(1.0F)));
}

TEST(AtOnce, WorksInPlaceOnlyWhereNobodyElseHolds) {
  AtOnce at_once;
  mx::array a = normal({5}, 5);
  const void* const memory = a.data<void>();
  a = plus_one(std::move(a));
  EXPECT_EQ(a.data<void>(), memory);
  const mx::array held = a;
  const std::vector<float> before(a.data<float>(), a.data<float>() + 5);
  a = plus_one(std::move(a));
  EXPECT_NE(a.data<void>(), memory);
  EXPECT_EQ(std::vector<float>(held.data<float>(), held.data<float>() + 5), before);
  // A view holds the memory too.
  mx::array b = normal({6}, 6);
  const mx::array view = reshaped(b, {2, 3});
  EXPECT_EQ(view.data<void>(), b.data<void>());
  const void* const shared = b.data<void>();
  b = plus_one(std::move(b));
  EXPECT_NE(b.data<void>(), shared);
}

TEST(AtOnce, ToOwnIsToCopyWhatOthersHold) {
  mx::array alone = normal({3, 4}, 7), shared = normal({3, 4}, 8);
  const mx::array other = shared;
  mx::array columns = mx::slice(normal({3, 8}, 9), {0, 1}, {3, 5});
  const mx::array wanted = mx::contiguous(columns);
  const void* const memory = alone.data<void>();
  mx::array lazy = mx::ones({2, 2}) + mx::array(1.0F);
  mx::array scalar = mx::array(3.0F), none = mx::zeros({2, 0});
  const mx::array scalar_too = scalar, none_too = none;
  own({&alone, &shared, &columns, &lazy, &scalar, &none}, "test");
  EXPECT_EQ(alone.data<void>(), memory);
  EXPECT_NE(shared.data<void>(), other.data<void>());
  EXPECT_TRUE(same_values(shared, other));
  EXPECT_TRUE(columns.flags().row_contiguous);
  EXPECT_TRUE(same_values(columns, wanted));
  EXPECT_TRUE(same_values(lazy, mx::full({2, 2}, 2.0F)));
  EXPECT_NE(scalar.data<void>(), scalar_too.data<void>());
  EXPECT_EQ(scalar.item<float>(), 3.0F);
  EXPECT_EQ(none.shape(), none_too.shape());
}

TEST(AtOnce, ErrorsLeaveTheOp) {
  AtOnce at_once;
  const auto refuse = [](const CpuBuffers&) { fail(ErrorKind::kUsage, "kernel", "refused"); };
  EXPECT_THROW(run_on_cpu({"refuse", refuse}, mx::Shape{2}, mx::float32, {}), Error);
  EXPECT_TRUE(same_values(plus_one(mx::zeros({2})), mx::ones({2})));
  EXPECT_THROW(take_rows(normal({3, 4}, 1), mx::array({3}), mx::float32), Error);
  EXPECT_THROW(take_rows(normal({3, 4}, 1), mx::array({-1}), mx::float32), Error);
}

TEST(AtOnce, ErrorsThatAreNotOursBecomeOurs) {
  AtOnce at_once;
  const auto no_memory = [](const CpuBuffers&) { throw std::bad_alloc(); };
  const auto kind_of = [&](const auto& call) {
    try {
      call();
    } catch (const Error& error) {
      return std::optional(error.kind());
    }
    return std::optional<ErrorKind>();
  };
  EXPECT_EQ(kind_of([&] {
              run_on_cpu({"no_memory", no_memory}, mx::Shape{2}, mx::float32, {});
            }),
            ErrorKind::kMemory);
  EXPECT_EQ(kind_of([&] { at_once.run([] { throw std::logic_error("wrong"); }); }),
            ErrorKind::kInternal);
  EXPECT_EQ(kind_of([&] { at_once.run([] { fail(ErrorKind::kUsage, "kernel", "refused"); }); }),
            ErrorKind::kUsage);
}

TEST(AtOnce, ScopesNestAndAreAThreads) {
  EXPECT_EQ(AtOnce::here(), nullptr);
  AtOnce outer;
  {
    AtOnce inner;
    EXPECT_EQ(AtOnce::here(), &inner);
  }
  EXPECT_EQ(AtOnce::here(), &outer);
}

TEST(AtOnce, ReshapeIsMlxs) {
  const mx::array a = normal({2, 3, 4}, 10);
  const auto same = [&](const mx::Shape& shape) {
    const mx::array wanted = mx::reshape(a, shape);
    AtOnce at_once;
    return same_values(reshaped(a, shape), wanted) && computed(reshaped(a, shape));
  };
  EXPECT_TRUE(same({6, 4}));
  EXPECT_TRUE(same({24}));
  EXPECT_TRUE(same({1, 24, 1}));
  for (const mx::Shape& wrong : {mx::Shape{5}, {}, {2, -1}, {-4, -6}, {6, 4, 0}}) {
    EXPECT_THROW(reshaped(a, wrong), Error);
    AtOnce at_once;
    EXPECT_THROW(reshaped(a, wrong), Error);
  }
  AtOnce at_once;
  const mx::array turned = mx::transpose(normal({3, 4}, 11));
  mx::eval(turned);
  EXPECT_TRUE(same_values(reshaped(turned, {12}), mx::reshape(turned, {12})));
}

TEST(Ops, ARowIsAddedToEach) {
  const mx::array a = normal({3, 70}, 12), row = normal({1, 70}, 13);
  EXPECT_TRUE(same_values(add_row(a, row), a + row));
  EXPECT_THROW(add_row(a, normal({1, 69}, 14)), Error);
}

TEST(Ops, RowsOfFloatsAreTakenExactly) {
  const mx::array W = normal({9, 21}, 15), ids = mx::array({8, 0, 0, 3}, {2, 2});
  for (const mx::Dtype dtype : {mx::float32, mx::bfloat16, mx::float16}) {
    const mx::array of = mx::astype(W, dtype);
    EXPECT_TRUE(same_values(take_rows(of, ids, mx::float32),
                            mx::astype(mx::take(of, ids, 0), mx::float32)));
  }
}

TEST(Ops, AChecksumIsANumberOnlyIfAllAre) {
  const mx::array a = normal({1, 1, 1003}, 16);
  // Sums of 1003 terms in float32 on the one side, in float64 on the other.
  EXPECT_NEAR(checksum(a).item<float>(), mx::sum(a).item<float>(),
              std::numeric_limits<float>::epsilon() * 1003 * mx::sum(mx::abs(a)).item<float>());
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const int at : {0, 511, 1002}) {
      const mx::array damaged = mx::where(mx::equal(mx::arange(1003), mx::array(at)),
                                          mx::array(bad), mx::reshape(a, {1003}));
      EXPECT_FALSE(std::isfinite(checksum(damaged).item<float>())) << at;
    }
  }
}

}  // namespace
}  // namespace xlstm::ops
