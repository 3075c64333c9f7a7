#include "xlstm/mlx/evaluate.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <system_error>

#include "xlstm/base/error.h"
#include "xlstm/mlx/float32_products.h"
#include "xlstm/mlx/mlx_backend.h"

namespace xlstm::testing {
namespace {

namespace mx = ::mlx::core;

template <typename Thrown>
ErrorKind kind_of(const Thrown& thrown) {
  try {
    mlx::translate_errors([&] { throw thrown; });
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::kUsage;
}

TEST(Evaluate, WhatMlxThrowsBecomesOurErrors) {
  EXPECT_EQ(kind_of(std::bad_alloc()), ErrorKind::kMemory);
  EXPECT_EQ(kind_of(std::runtime_error("[malloc] Unable to allocate")), ErrorKind::kMemory);
  EXPECT_EQ(
      kind_of(std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again))),
      ErrorKind::kMemory);
  EXPECT_EQ(kind_of(std::invalid_argument("[matmul] shapes")), ErrorKind::kInternal);
  EXPECT_EQ(kind_of(Error(ErrorKind::kFile, "x", "y")), ErrorKind::kFile);
}

TEST(Evaluate, MemoryThatNoMachineHasIsRefusedByName) {
  try {
    mlx::allocate(std::size_t{1} << 60, "a tensor");
    FAIL() << "got an exbibyte";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kMemory);
    EXPECT_NE(std::string(error.what()).find("[a tensor] wanted 1 EiB"), std::string::npos)
        << error.what();
  }
}

TEST(Float32Products, AreAskedForUnlessTheUserHasSpoken) {
  ::unsetenv("MLX_ENABLE_TF32");
  mlx::ask_for_float32_products(mx::Device::cpu);
  EXPECT_EQ(std::getenv("MLX_ENABLE_TF32"), nullptr);
  EXPECT_FALSE(mlx::may_round_to_tf32(mx::Device::gpu));
  mlx::ask_for_float32_products(mx::Device::gpu);
  EXPECT_STREQ(std::getenv("MLX_ENABLE_TF32"), "0");
  EXPECT_FALSE(mlx::may_round_to_tf32(mx::Device::gpu));
  ::setenv("MLX_ENABLE_TF32", "1", 1);
  mlx::ask_for_float32_products(mx::Device::gpu);
  EXPECT_STREQ(std::getenv("MLX_ENABLE_TF32"), "1");
  EXPECT_TRUE(mlx::may_round_to_tf32(mx::Device::gpu));
  EXPECT_FALSE(mlx::may_round_to_tf32(mx::Device::cpu));
  ::unsetenv("MLX_ENABLE_TF32");
}

TEST(MlxBackend, AGpuThatIsNotThereIsRefused) {
  if (mlx::has_gpu()) GTEST_SKIP() << "there is one";
  EXPECT_THROW(mlx::make_backend({.device = mlx::DeviceKind::kGpu}), Error);
}

}  // namespace
}  // namespace xlstm::testing
