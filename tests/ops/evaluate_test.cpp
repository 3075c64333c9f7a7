// What becomes of errors on their way from a kernel, which runs on a thread of MLX's.
#include "xlstm/ops/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <new>

#include "mlx/mlx.h"
#include "xlstm/base/error.h"
#include "xlstm/ops/cpu_primitive.h"

namespace xlstm::testing {
namespace {
namespace mx = mlx::core;

// [3], made by `kernel`.
mx::array made_by(ops::CpuKernel kernel) {
  return ops::run_on_cpu({"test", std::move(kernel)}, mx::Shape{3}, mx::float32, {});
}

mx::array ones() {
  return made_by([](const ops::CpuBuffers& buffers) {
    for (std::size_t i = 0; i < 3; ++i) buffers.output(0)[i] = 1;
  });
}

mx::array refused() {
  return made_by([](const ops::CpuBuffers&) { fail(ErrorKind::kUsage, "kernel", "refused"); });
}

mx::array out_of_memory() {
  return made_by([](const ops::CpuBuffers&) { throw std::bad_alloc(); });
}

template <typename Call>
void expect_error(ErrorKind kind, const char* what, const Call& call) {
  try {
    call();
    FAIL() << "nothing thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_THAT(error.what(), ::testing::HasSubstr(what));
  }
}

TEST(Evaluate, a_kernel_s_error_keeps_its_kind) {
  expect_error(ErrorKind::kUsage, "[kernel] refused", [] { ops::evaluate({refused()}); });
  expect_error(ErrorKind::kMemory, "wanted", [] { ops::evaluate({out_of_memory()}); });
}

TEST(Evaluate, an_error_upstream_arrives_too) {
  expect_error(ErrorKind::kUsage, "refused", [] { ops::evaluate({mx::exp(refused()) + ones()}); });
}

TEST(Evaluate, an_error_is_told_once_and_work_goes_on) {
  EXPECT_THROW(ops::evaluate({refused()}), Error);
  mx::array fine = mx::sum(ones());
  ops::evaluate({fine});
  EXPECT_EQ(fine.item<float>(), 3);
}

TEST(Evaluate, what_was_queued_tells_when_it_is_waited_for) {
  mx::array queued = refused();
  try {
    ops::evaluate_later({queued});  // may or may not know of it already
    expect_error(ErrorKind::kUsage, "refused", [&] {
      ops::with_our_errors([&] {
        queued.eval();
        return 0;
      });
    });
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  }
}

TEST(Evaluate, who_does_not_ask_gets_no_numbers) {
  mx::array result = refused();
  result.eval();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(std::isnan(result.data<float>()[i]));
  ops::forget_kernel_error();
  ops::evaluate({ones()});
}

TEST(Evaluate, mlx_s_own_refusals_are_ours_too) {
  expect_error(ErrorKind::kInternal, "MLX",
               [] { ops::with_our_errors([] { return mx::reshape(ones(), {2}); }); });
}

TEST(Allocate, more_than_there_is_names_what_was_wanted) {
  expect_error(ErrorKind::kMemory, "[a tensor] wanted 1 EiB (1152921504606846976 bytes)",
               [] { ops::allocate(std::size_t{1} << 60, "a tensor"); });
  const mx::allocator::Data data = ops::allocate(100, "a tensor");
  EXPECT_NE(data.buffer().raw_ptr(), nullptr);
}

}  // namespace
}  // namespace xlstm::testing
