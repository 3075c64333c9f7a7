// The yardsticks of benchmarks on a GPU; none where there is no GPU.
#include <gtest/gtest.h>

#include "xlstm/cuda/cuda_backend.h"

namespace xlstm::cuda {
namespace {

class DeviceRatesOfGpu : public ::testing::TestWithParam<DType> {};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DeviceRatesOfGpu);
INSTANTIATE_TEST_SUITE_P(Activations, DeviceRatesOfGpu,
                         ::testing::ValuesIn(has_gpu() ? std::vector{DType::kBF16}
                                                       : std::vector<DType>{}));

TEST_P(DeviceRatesOfGpu, AreThoseOfAGpu) {
  const auto backend = make_backend(GetParam());
  const auto rates = backend->device_rates();
  ASSERT_TRUE(rates);
  // The slowest card that serves (2020) copies 200 GB/s and reads no slower than half of that;
  // nothing reads 100 TB/s or computes 100 PFLOP/s: a result outside is of wrong units or times.
  for (const double gbs : {rates->copy_gbs, rates->read_gbs, backend->device_copy_rate()}) {
    EXPECT_GT(gbs, 50);
    EXPECT_LT(gbs, 1e5);
  }
  for (const double gflops : {rates->float32_gflops, rates->bf16_gflops}) {
    EXPECT_TRUE(gflops == 0 || gflops > 500) << gflops;  // 0: no library of products
    EXPECT_LT(gflops, 1e8);
  }
}

}  // namespace
}  // namespace xlstm::cuda
