// What `xlstm doctor` compares: every backend passes, and one that computes wrong is found.
#include "xlstm/engine/self_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "mlx/ops.h"
#include "tests/backend/backends.h"
#include "xlstm/cpu/cpu_backend.h"
#include "xlstm/engine/self_test_checks.h"
#include "xlstm/mlx/fused_ops.h"
#include "xlstm/mlx/mlx_backend.h"

namespace xlstm::testing {
namespace {

class SelfTest : public ::testing::TestWithParam<BackendCase> {};

INSTANTIATE_TEST_SUITE_P(Backends, SelfTest, ::testing::ValuesIn(all_backends()), backend_name);

TEST_P(SelfTest, AllOpsAgreeWithTheirReferences) {
  const auto backend = GetParam().make();
  std::vector<std::string> names;
  for (const CheckResult& check : self_test(*backend, false)) {
    EXPECT_TRUE(check.ok()) << check.name << ": " << check.error << ", bound " << check.bound;
    // What is random would be wrong by about 1.
    EXPECT_LT(check.bound, 0.5) << check.name;
    names.push_back(check.name.substr(0, check.name.find(',')));
  }
  for (const char* op : {"embed", "linear", "rms_norm", "head_norm", "swiglu", "soft_cap", "argmax",
                         "headwise_linear", "causal_conv1d", "slstm_scan", "row_attention",
                         "mlstm_chunk", "mlstm_chunk state", "mlstm_step", "mlstm_step state",
                         "mlstm_mixer of a prompt", "mlstm_mixer of a token"}) {
    EXPECT_THAT(names, ::testing::Contains(op));
  }
}

// Whatever xlstm bench --tune chooses.
TEST_P(SelfTest, EveryChoiceComputesRight) {
  const auto backend = GetParam().make();
  for (const TuningChoice& choice : backend->tuning_choices()) {
    EXPECT_THAT(choice.values, ::testing::Contains(choice.value)) << choice.name;
    for (const int value : choice.values) {
      backend->choose(choice.name, value);
      SelfTestChecks checks(*backend, false);
      check_mlstm_ops(checks);
      for (const CheckResult& check : checks.results) {
        EXPECT_TRUE(check.ok()) << check.name << " with " << choice.name << " " << value << ": "
                                << check.error << ", bound " << check.bound;
      }
    }
    backend->choose(choice.name, choice.value);
  }
}

namespace mx = ::mlx::core;

// Kernels that are wrong by a tenth.
class WrongOps final : public mlx::FusedOps {
 public:
  std::optional<mx::array> rms_norm(mlx::A x, mlx::A weight, float eps) override {
    return wrong(mlx::rms_norm(x, weight, eps).array, x);
  }
  std::optional<mx::array> gated(mlx::A gate_up, Activation f) override {
    if (f != Activation::kSilu) return {};
    return wrong(mlx::swiglu(gate_up).array, gate_up);
  }

 private:
  static mx::array wrong(const mx::array& y, mlx::A like) {
    return mx::multiply(y, mx::array(1.1F, y.dtype()), like.device);
  }
};

TEST(SelfTestFaults, AKernelThatComputesWrongIsNamedAndNoOther) {
  const auto backend = mlx::make_backend({.device = mlx::DeviceKind::kCpu,
                                          .activation_dtype = DType::kBF16,
                                          .threads = 2,
                                          .fused = std::make_shared<WrongOps>()});
  std::vector<std::string> wrong;
  for (const CheckResult& check : self_test(*backend, false)) {
    if (!check.ok()) wrong.push_back(check.name);
  }
  EXPECT_THAT(wrong, ::testing::ElementsAre("rms_norm, bfloat16", "swiglu, bfloat16"));
}

TEST(SelfTestFaults, ResultsThatAreNoNumbersOrTooFewAreWrong) {
  const auto backend = cpu::make_backend(2);
  SelfTestChecks checks(*backend, false);
  const std::vector<float> truth = {1, 2, 4};
  const auto error_of = [&](const std::vector<float>& got) {
    checks.compare("op", backend->floats({std::ssize(got)}, got), truth, 0.25);
    return checks.results.back();
  };
  EXPECT_TRUE(error_of({1, 2, 5}).ok());
  EXPECT_DOUBLE_EQ(checks.results.back().error, 0.25);
  EXPECT_FALSE(error_of({1, 2, 5.5F}).ok());
  EXPECT_FALSE(error_of({1, 2, std::nanf("")}).ok());
  EXPECT_FALSE(error_of({1, INFINITY, 4}).ok());
  EXPECT_FALSE(error_of({1, 2}).ok());
}

}  // namespace
}  // namespace xlstm::testing
