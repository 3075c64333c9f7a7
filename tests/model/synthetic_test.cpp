#include "xlstm/model/synthetic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tests/model/fixture.h"
#include "xlstm/base/error.h"

namespace xlstm::testing {
namespace {

Plan plan_of(const Synthetic& synthetic) {
  return discover(synthetic.config_json, *synthetic.source, "synthetic");
}

TEST(Synthetic, SizesAreThoseTheirNamesSay) {
  EXPECT_EQ(plan_of(make_synthetic("400m")).parameter_count(), 406'856'896U);
  EXPECT_EQ(plan_of(make_synthetic("7b")).parameter_count(), 6'865'424'896U);  // xLSTM-7B's own
  for (const auto& [name, least, most] : {std::tuple("1b", 0.8e9, 1.5e9), {"3b", 2.5e9, 3.5e9}}) {
    const auto parameters = static_cast<double>(plan_of(make_synthetic(name)).parameter_count());
    EXPECT_GT(parameters, least) << name;
    EXPECT_LT(parameters, most) << name;
  }
  // 42 mLSTM blocks of 6,380,552, 6 sLSTM blocks of 6,238,208 and the ends.
  EXPECT_EQ(plan_of(make_synthetic("mixed-400m")).parameter_count(),
            42U * 6'380'552 + 6U * 6'238'208 + 2U * 50'304 * 1024 + 1024);
  // A block of TiRex: gates, recurrent matrices and biases, three norms, the FFN; an embedding, a
  // head, the last norm.
  const auto mlp = [](std::uint64_t in, std::uint64_t out) {
    return 2048 * (in + 1) + out * (2048 + 1) + out * (in + 1);
  };
  const std::uint64_t gates = 4 * 512 * 128, recurrent = 4 * 128 * 512 + 4 * 512;
  EXPECT_EQ(
      plan_of(make_synthetic("tirex-35m")).parameter_count(),
      12 * (gates + recurrent + 3 * 512 + 3 * 1408 * 512) + mlp(64, 512) + mlp(512, 288) + 512);
  EXPECT_NEAR(static_cast<double>(plan_of(make_synthetic("tirex2-82m")).parameter_count()), 82.5e6,
              0.1e6);
  EXPECT_THROW(make_synthetic("8b"), Error);
  EXPECT_THROW(make_synthetic(""), Error);
}

TEST(Synthetic, WeightsHaveTheDeviationOfTheirWidth) {
  const Synthetic synthetic = make_synthetic("tiny");
  const std::size_t at = synthetic.source->find("lm_head.weight");
  ASSERT_NE(at, TensorSource::npos);
  const auto bytes = synthetic.source->read_all(at);
  const std::size_t count = bytes.size() / 2;
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint16_t bits;
    std::memcpy(&bits, bytes.data() + 2 * i, 2);
    const double x = float_from_bf16(bits);
    sum += x;
    squares += x * x;
  }
  const double n = static_cast<double>(count), deviation = 1 / std::sqrt(64.0);
  // Five standard errors of the mean; of the mean square (a uniform's has 0.9 of its value), and
  // bfloat16's cut, which takes up to 2^-7 of each.
  EXPECT_NEAR(sum / n, 0, 5 * deviation / std::sqrt(n));
  EXPECT_NEAR(squares / n, deviation * deviation,
              deviation * deviation * (5 * 0.9 / std::sqrt(n) + 0x1p-6));
}

TEST(Synthetic, IsTheSameEveryTimeAndInAnyParts) {
  for (const char* name : {"mixed-tiny", "tirex-tiny"}) {
    const Synthetic a = make_synthetic(name), b = make_synthetic(name);
    for (std::size_t i = 0; i < a.source->tensors().size(); ++i) {
      const std::vector<std::byte> whole = a.source->read_all(i);
      EXPECT_EQ(a.source->read_all(i), whole);
      std::vector<std::byte> parts(whole.size());
      const std::size_t half = parts.size() / 4 * 2;
      b.source->read(i, half, std::span(parts).subspan(half));
      b.source->read(i, 0, std::span(parts).first(half / 2));
      b.source->read(i, half / 2 / 2 * 2, std::span(parts).subspan(half / 2 / 2 * 2, half));
      EXPECT_EQ(parts, whole);
    }
  }
}

TEST(Synthetic, RunsWithFiniteLogits) {
  for (const char* name : {"tiny", "mixed-tiny"}) {
    const Synthetic synthetic = make_synthetic(name);
    const Model model = Model::load(plan_of(synthetic), *synthetic.source, cpu::make_backend(2));
    const auto logits = run_from_start(model, random_ids(40, 320, 1)).logits;
    double most = 0;
    for (const float x : logits) most = std::max(most, std::abs(static_cast<double>(x)));
    EXPECT_GT(most, 0.1);
    EXPECT_LE(most, 30);  // the cap of the first, far above the other's; false for NaN
  }
}

}  // namespace
}  // namespace xlstm::testing
